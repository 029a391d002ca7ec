#pragma once

#include "actors/decisions/upkeep.hpp"
#include "actors/interfaces.hpp"

#include <optional>

namespace deployminator::actors {

/// What UPKEEP remembers.
struct upkeep_state {
  static inline constexpr const char* name = "upkeep";
  upkeep_list list;
  deployminator_actor deployminator;
  planner_actor planner;
  /// A group is being looked at.
  bool busy = false;
  /// When it is woken next.
  std::optional<messages::duration> wake;
};

upkeep_actor::behavior_type upkeep_keeper(upkeep_actor::stateful_pointer<upkeep_state> self,
                                          deployminator_actor deployminator, planner_actor planner);

} // namespace deployminator::actors
