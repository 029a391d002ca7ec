#pragma once

#include "actors/interfaces.hpp"

#include <map>
#include <string>

/// The placement strategies. To add one: a file beside this one with its spawn function and a line
/// in `spawn_strategies`; ARCHITECTURE.md has an example.
namespace deployminator::actors {

strategy_actor spawn_spread(caf::actor_system& system);
strategy_actor spawn_one_per_machine(caf::actor_system& system);
strategy_actor spawn_pack(caf::actor_system& system);
strategy_actor spawn_pinned(caf::actor_system& system);

/// All strategies by their names in deploy.yaml.
std::map<std::string, strategy_actor> spawn_strategies(caf::actor_system& system);

/// A strategy that is a function of the question alone, as `place_spread` is.
using placement_function = messages::result<placement> (*)(const placement_request&);
strategy_actor spawn_function(caf::actor_system& system, placement_function place);

} // namespace deployminator::actors
