#pragma once

#include "actors/interfaces.hpp"

#include <map>
#include <string>
#include <utility>
#include <vector>

namespace deployminator::actors {

/// Whom a LOG SEARCH asks.
struct search_field {
  std::map<std::string, machine_actor> connected;
  /// Machines that are known and out of reach.
  std::vector<std::string> unreachable;
};

/// Asks all machines for logs of instances that are gone, for one question; then it ends.
log_search_actor::behavior_type log_search(log_search_actor::pointer self, search_field field);

} // namespace deployminator::actors
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(deployminator::actors::search_field)
