#pragma once

#include "cli/interruption.hpp"
#include "test/bench/swarm/options.hpp"
#include "test/bench/swarm/row.hpp"
#include "test/bench/swarm/server_process.hpp"
#include "test/bench/swarm/swarm.hpp"
#include "test/bench/swarm/tally.hpp"

#include <chrono>
#include <cstdint>
#include <functional>
#include <optional>

namespace deployminator::bench {

/// Medians over orders of a small group, one after the other.
struct order_times {
  double accepted_seconds = 0;
  double ready_seconds = 0;
  std::uint64_t orders = 0;
};

/// The farm that the rows play on, and what the earlier ones leave to the later.
struct stage {
  explicit stage(options of);

  /// Waits until the agents stand so, or the present row has taken too long.
  bool wait_for(const std::function<bool(const counts&)>& wanted) const;

  options chosen;
  cli::interruption stop;
  server_process server;
  bench::swarm swarm;
  /// When the present row gives up.
  time_point until;
  /// The server's memory before it knew anybody.
  double fresh_anon_mb = 0;
  std::uint64_t last_build = 0;
  std::optional<order_times> on_empty_farm;
};

/// Measures one row: fills in `seconds`, `complete`, `done` and `more`. May throw `cli::setback`
/// where the server does not answer.
using measurement = void (*)(stage& on, row& r, meter& m);

} // namespace deployminator::bench
