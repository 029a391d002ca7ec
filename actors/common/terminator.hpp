#pragma once

#include "actors/common/interfaces.hpp"

#include <atomic>
#include <chrono>
#include <vector>

namespace deployminator::common {

/// The TERMINATOR: ends actors in order.
using terminator_actor = caf::typed_actor<
  /// Asks the actors to end, one after the other, each when the one before is gone; answers when
  /// all are. An actor that does not end within the grace is killed. Asked once.
  caf::replies_to<atom::shut, std::vector<caf::actor>>::with<bool>,
  /// From itself: the grace of this actor is over.
  caf::reacts_to<atom::tick, caf::actor_addr>>;

/// What the TERMINATOR remembers.
struct terminator_state {
  static inline constexpr const char* name = "terminator";
  std::vector<caf::actor> remaining;
  caf::response_promise done;
};

/// `grace` is given to each actor.
terminator_actor::behavior_type
terminator(terminator_actor::stateful_pointer<terminator_state> self,
           std::chrono::milliseconds grace);

/// Ends actors in order with a TERMINATOR and waits for it, for 3 s at most.
/// Called by main.
void end_actors(caf::actor_system& system, std::vector<caf::actor> all);

/// Has SIGTERM end the process, and says why; sets `failed`.
void end_process(const messages::failure& why, std::atomic<bool>& failed);

/// Has SIGTERM end the process when `actor` ends by itself, for it cannot do without; sets `failed`
/// then, which must outlive the actor.
void end_process_with(const caf::actor& actor, std::atomic<bool>& failed);

} // namespace deployminator::common
