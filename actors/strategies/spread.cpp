#include "actors/strategies/strategy.hpp"

namespace deployminator::actors {

strategy_actor spawn_spread(caf::actor_system& system) {
  return spawn_function(system, place_spread);
}

} // namespace deployminator::actors
