#pragma once

#include "test/bench/swarm/peer_loop.hpp"
#include "test/bench/swarm/played_agent.hpp"
#include "test/bench/swarm/tally.hpp"

#include <cstdint>
#include <memory>
#include <vector>

namespace deployminator::bench {

/// All the played agents of a farm.
class swarm {
public:
  explicit swarm(std::uint16_t server_port);

  /// So many more machines, all at once.
  void grow(std::uint64_t machines);

  /// From now on only a session that begins anew makes an agent welcome.
  void expect_welcomes();

  /// Their machines hang, or go on.
  void freeze(bool frozen);

  const tally& state() const;

private:
  tally tally_;
  std::vector<played_agent*> agents_;
  peer_loop loop_;
};

} // namespace deployminator::bench
