#include "test/bench/swarm/stage.hpp"

#include <utility>

namespace deployminator::bench {

stage::stage(options of)
  : chosen(std::move(of)), server(chosen.bin / "deployminator"), swarm(server.port()) {}

bool stage::wait_for(const std::function<bool(const counts&)>& wanted) const {
  auto over = [&](const counts& c) { return wanted(c) || stop.requested(); };
  return swarm.state().wait_for(over, until) && !stop.requested();
}

} // namespace deployminator::bench
