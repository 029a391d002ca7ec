#pragma once

#include <algorithm>
#include <string>
#include <string_view>
#include <vector>

namespace deployminator::messages {

/// The names of the strategies that the server has itself, the default first. Each has an actor in
/// actors/strategies and an example in deploy-configs/examples.
inline const std::vector<std::string>& known_strategies() {
  static const std::vector<std::string> names{"spread", "one-per-machine", "pack", "pinned"};
  return names;
}

/// Whether the server has the strategy itself; others are in other processes.
inline bool is_known_strategy(std::string_view name) {
  const auto& names = known_strategies();
  return std::find(names.begin(), names.end(), name) != names.end();
}

} // namespace deployminator::messages
