#pragma once

#include "messages/timestamp.hpp"

#include <string>

namespace deployminator::messages {

/// Something that is wrong with a machine, beside its instances, and that a person has to mend.
struct machine_trouble {
  /// One sentence for people; it stays the same for as long as the trouble lasts, and names it.
  std::string what;
  /// By the machine's clock.
  timestamp since;
  /// What to do about it.
  std::string hint;

  bool operator==(const machine_trouble&) const = default;
  MSGPACK_DEFINE_MAP(what, since, hint)
};

} // namespace deployminator::messages
