#pragma once

#include "test/bench/swarm/stage.hpp"

/// The rows in which something breaks.
namespace deployminator::bench {

/// The server is killed and started again, until all agents are in sync.
void measure_restart(stage& on, row& r, meter& m);

/// The server stands still for some seconds; from when it goes on, until all agents are in sync.
void measure_pause(stage& on, row& r, meter& m);

/// All machines hang, until the server tells that each is out of reach. Then they go on.
void measure_loss(stage& on, row& r, meter& m);

} // namespace deployminator::bench
