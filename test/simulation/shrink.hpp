#pragma once

#include <functional>

#include "simulation/plan.hpp"

namespace deployminator::simulation {

/// The plan with as few of its faults as it still takes: leaves out halves, quarters and so on of
/// them for as long as `is_broken` (delta debugging, Zeller and Hildebrandt 2002).
plan shrink(plan p, const std::function<bool(const plan&)>& is_broken);

} // namespace deployminator::simulation
