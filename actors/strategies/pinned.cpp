#include "actors/decisions/pinned.hpp"

#include "actors/strategies/strategy.hpp"

namespace deployminator::actors {

strategy_actor spawn_pinned(caf::actor_system& system) {
  return spawn_function(system, place_pinned);
}

} // namespace deployminator::actors
