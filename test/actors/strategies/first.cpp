#include "actors/strategies/strategy.hpp"

namespace deployminator::actors {

namespace {

/// All instances on the first machine within reach.
messages::result<placement> place_first(const placement_request& request) {
  placement out{{}, "the first machine within reach"};
  const candidate* first = nullptr;
  std::uint64_t present = 0;
  for (const auto& each : request.candidates) {
    present += each.own;
    if (each.reachable && !first)
      first = &each;
  }
  if (present >= request.app.instances)
    return out;
  if (!first)
    return nobody_reachable(request);
  out.add.assign(request.app.instances - present, first->machine);
  return out;
}

} // namespace

strategy_actor spawn_first(caf::actor_system& system) {
  return spawn_function(system, place_first);
}

} // namespace deployminator::actors
