#pragma once

#include "actors/interfaces.hpp"

#include <map>
#include <string>

namespace deployminator::actors {

using strategies_by_name = std::map<std::string, strategy_actor>;

/// What the PLANNER remembers.
struct planner_state {
  static inline constexpr const char* name = "planner";
  strategies_by_name strategies;
  strategy_actor others;
};

/// `strategies`: by their names in deploy.yaml. `others` is asked for all other names. A strategy
/// that does not answer in time fails its application, not the plan.
planner_actor::behavior_type planner(planner_actor::stateful_pointer<planner_state> self,
                                     strategies_by_name strategies, strategy_actor others);

} // namespace deployminator::actors
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(deployminator::actors::strategies_by_name)
