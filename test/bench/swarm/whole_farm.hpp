#pragma once

#include "test/bench/swarm/stage.hpp"

/// The rows in which nothing breaks.
namespace deployminator::bench {

/// All agents say hello at once, until each has its welcome.
void measure_connect(stage& on, row& r, meter& m);

/// A build of every group, until every rollout has succeeded; a second call rolls over the first.
void measure_deploy(stage& on, row& r, meter& m);

/// Orders of a small group, one after the other; `stage::on_empty_farm` is told for comparison.
void measure_orders(stage& on, row& r, meter& m);

/// The same before anything is deployed, for the later row.
void measure_orders_on_empty_farm(stage& on, row& r, meter& m);

/// One more machine joins, until a question asked right after its hello is answered.
void measure_join(stage& on, row& r, meter& m);

/// There is nothing to do.
void measure_idle(stage& on, row& r, meter& m);

} // namespace deployminator::bench
