#pragma once

#include "agent/decisions/reconcile.hpp"
#include "messages/wire.hpp"

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

namespace deployminator::agent {

/// The assignment an agent holds; generation 0: never had one.
struct held_assignment {
  std::uint64_t generation = 0;
  spec_map specs;
  /// The release that read it from the server, all of it: another one may know more of its keys.
  std::string read_by = DEPLOYMINATOR_VERSION;
};

/// `digest_of` what it holds.
std::uint64_t digest_of(const held_assignment& held);

/// What came of a message of an assignment.
struct assignment_verdict {
  enum class kind {
    /// More parts are to come.
    incomplete,
    /// It is held already, or older; the server is told what is held.
    repeated,
    /// It cannot be applied: `reason`. The server is told what is held.
    unusable,
    /// `next` is to be held from now on.
    complete,
  };
  kind what = kind::incomplete;
  std::string reason;
  held_assignment next;
  /// With `next`: what the server wants to be told gone, whether it ever was here or not.
  std::vector<std::string> removed;
};

/// Puts an assignment's parts together.
class assignment_inbox {
public:
  assignment_verdict take(const messages::assignment& part, const held_assignment& held);

private:
  [[nodiscard]] bool continues(const messages::assignment& part) const;

  /// The parts of one assignment that have arrived.
  std::map<std::uint32_t, messages::assignment> parts_;
};

} // namespace deployminator::agent
