#include "actors/strategies/strategy.hpp"

namespace deployminator::actors {

strategy_actor spawn_one_per_machine(caf::actor_system& system) {
  return spawn_function(system, place_one_per_machine);
}

} // namespace deployminator::actors
