#pragma once

#include <string>
#include <vector>

namespace deployminator::configs {

/// The names that `strategy` accepts, the default first. Each has an actor in actors/strategies and
/// an example here.
inline const std::vector<std::string>& known_strategies() {
  static const std::vector<std::string> names{"spread", "one-per-machine", "pack", "pinned"};
  return names;
}

} // namespace deployminator::configs
