#pragma once

#include "agent/linux/child_process.hpp"
#include "agent/linux/owned_fd.hpp"
#include "agent/outside.hpp"
#include "agent/starter/protocol.hpp"
#include "messages/result.hpp"

#include <optional>
#include <string>
#include <vector>

#include <sys/types.h>

namespace deployminator::agent {

/// What a starter is spawned for, beyond the order itself.
struct starter_setup {
  /// The starter program.
  std::string program;
  /// instances/ID.
  std::string directory;
  std::string home;
  /// Empty: nowhere.
  std::string log;
  /// -1: the agent's own.
  std::int64_t uid = -1;
  /// The reservations it is to hold, descriptors of the agent.
  std::vector<int> reservations;
};

/// Spawns a starter, which starts the program at once. Fails when one lives already.
messages::result<child_process> spawn_starter(const starter_setup& setup, const launch_order& order,
                                              const std::vector<std::uint16_t>& ports);

/// The starter that lives for an instance's directory, if any. Waits a moment for one that an
/// earlier agent spawned in its last instant.
std::optional<child_process> find_starter(const std::string& directory);

/// The starter's state as it last wrote it; none where there is none, or where it is being written
/// right now.
std::optional<starter::state> read_state(const std::string& directory);

/// Kills what is left of an instance whose starter was killed.
messages::result<child_process> spawn_sweep(const std::string& program, std::int64_t uid,
                                            const std::string& home);

/// Why the program was not started, for people.
std::string problem_text(const starter::state& state, const starter_setup& setup,
                         const std::string& binary);

} // namespace deployminator::agent
