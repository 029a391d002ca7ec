#pragma once

#include "agent/linux/child_process.hpp"

#include <cstdint>
#include <map>
#include <string>
#include <vector>

namespace deployminator::agent {

/// A starter that lives, with what it was spawned for.
struct living_starter {
  child_process process;
  /// The user that its program runs as; -1: its own.
  std::int64_t uid = -1;
  std::vector<std::uint16_t> ports;
};

/// The starters that live for the directories below `instances`, by the id of their instance. The
/// kernel is asked for its processes too, so none is overlooked whose files are gone. Waits a
/// moment for one that an earlier agent spawned in its last instant.
std::map<std::string, living_starter> find_starters(const std::string& instances);

} // namespace deployminator::agent
