#include "actors/strategies/strategy.hpp"

namespace deployminator::actors {

strategy_actor spawn_pack(caf::actor_system& system) {
  return spawn_function(system, place_pack);
}

} // namespace deployminator::actors
