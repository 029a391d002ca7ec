#pragma once

#include <cstdint>
#include <optional>

#include "simulation/plan.hpp"
#include "simulation/trace.hpp"

namespace deployminator::simulation {

/// What became of a plan.
struct outcome {
  /// The first promise that was not kept.
  std::optional<violation> broken;
  std::uint64_t trace_hash = 0;
  /// Rollouts that ended in failure.
  std::uint64_t failures = 0;
};

/// Lets the plan happen to a farm of real actors, from beginning to end. `lines` gets the trace.
outcome run(const plan& p, trace::reader lines = {});

} // namespace deployminator::simulation
