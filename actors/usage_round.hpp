#pragma once

#include "actors/interfaces.hpp"

#include <map>
#include <set>
#include <string>

namespace deployminator::actors {

/// Whom a USAGE ROUND asks, and what about.
struct usage_field {
  /// The instances that are asked for.
  std::set<std::string> visible;
  std::map<std::string, machine_actor> connected;
  /// Machines with such instances that are out of reach.
  std::set<std::string> unreachable;
};

/// Asks the machines what their instances use, for one question; then it ends.
usage_round_actor::behavior_type usage_round(usage_round_actor::pointer self, usage_field field);

} // namespace deployminator::actors
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(deployminator::actors::usage_field)
