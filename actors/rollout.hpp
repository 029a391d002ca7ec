#pragma once

#include "actors/interfaces.hpp"

namespace deployminator::actors {

/// What a ROLLOUT remembers: the last view, and since when things last.
struct rollout_state {
  static inline constexpr const char* name = "rollout";
  rollout_view_ptr view;
  // Not first: CAF would take a state whose first member is a typed handle for one that wants
  // `self`.
  deployminator_actor deployminator;
  caf::actor_clock::time_point phase_since;
  std::map<std::string, caf::actor_clock::time_point> told_to_run;
};

/// Ends with the DEPLOYMINATOR.
rollout_actor::behavior_type rollout(rollout_actor::stateful_pointer<rollout_state> self,
                                     deployminator_actor deployminator);

} // namespace deployminator::actors
