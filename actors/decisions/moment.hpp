#pragma once

#include "messages/timestamp.hpp"

#include <cstdint>
#include <functional>

namespace deployminator::actors {

/// What a decision may know of the world beside its arguments: the stamp to put on what happens,
/// and chance for new ids.
struct moment {
  messages::timestamp now;
  /// Uniform over all values.
  std::function<std::uint64_t()> random;
};

} // namespace deployminator::actors
