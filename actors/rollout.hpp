#pragma once

#include "actors/interfaces.hpp"

#include <optional>

namespace deployminator::actors {

/// What a ROLLOUT remembers.
struct rollout_state {
  static inline constexpr const char* name = "rollout";
  rollout_view view;
  // Not first: CAF would take a state whose first member is a typed handle for one that wants
  // `self`.
  deployminator_actor deployminator;
  rollout_clock clock;
  std::uint64_t group_id = 0;
  /// When it is woken next, by the tick of this number.
  std::optional<messages::duration> wake;
  std::uint64_t last_tick = 0;
};

/// Ends with the DEPLOYMINATOR.
rollout_actor::behavior_type rollout(rollout_actor::stateful_pointer<rollout_state> self,
                                     std::uint64_t group_id, deployminator_actor deployminator);

} // namespace deployminator::actors
