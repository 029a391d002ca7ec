#include "actors/strategies/strategy.hpp"

#include "actors/common/errors.hpp"

namespace deployminator::actors {

std::map<std::string, strategy_actor> spawn_strategies(caf::actor_system& system) {
  return {
    {"one-per-machine", spawn_one_per_machine(system)},
    {"pack", spawn_pack(system)},
    {"pinned", spawn_pinned(system)},
    {"spread", spawn_spread(system)},
  };
}

strategy_actor spawn_function(caf::actor_system& system, placement_function place) {
  return system.spawn([place](strategy_actor::pointer) -> strategy_actor::behavior_type {
    return {
      [place](atom::place, const placement_request_ptr& request) -> caf::result<placement_ptr> {
        auto chosen = place(*request);
        if (!chosen)
          return to_error(chosen.error());
        return placement_ptr{std::make_shared<const placement>(std::move(*chosen))};
      },
    };
  });
}

} // namespace deployminator::actors
