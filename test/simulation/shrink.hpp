#pragma once

#include "simulation/farm.hpp"
#include "simulation/plan.hpp"

namespace deployminator::simulation {

/// The plan with as few of its faults as still break the same promise (delta debugging, Zeller and
/// Hildebrandt 2002, down to single faults). `broken` is the rule that the plan breaks.
plan shrink(plan p, const std::string& broken);

} // namespace deployminator::simulation
