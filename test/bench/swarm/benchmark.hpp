#pragma once

#include "test/bench/swarm/stage.hpp"

#include <string>
#include <vector>

namespace deployminator::bench {

/// All rows there are, in the order in which they are measured.
std::vector<std::string> row_names();

/// Measures the chosen rows and prints each when it is done; whether all came to their end.
bool run_benchmark(const options& chosen);

} // namespace deployminator::bench
