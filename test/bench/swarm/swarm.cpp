#include "test/bench/swarm/swarm.hpp"

#include <utility>

namespace deployminator::bench {

swarm::swarm(std::uint16_t server_port) : loop_(server_port) {}

void swarm::grow(std::uint64_t machines) {
  std::vector<std::unique_ptr<peer>> newcomers;
  for (std::uint64_t i = 0; i < machines; ++i) {
    auto agent = std::make_unique<played_agent>(static_cast<std::uint16_t>(agents_.size()), tally_);
    agents_.push_back(agent.get());
    newcomers.push_back(std::move(agent));
  }
  tally_.expect(machines);
  loop_.add(std::move(newcomers));
}

void swarm::expect_welcomes() {
  loop_.post([all = agents_] {
    for (auto* each : all)
      each->expect_welcome();
  });
}

void swarm::freeze(bool frozen) {
  loop_.freeze(frozen);
}

const tally& swarm::state() const {
  return tally_;
}

} // namespace deployminator::bench
