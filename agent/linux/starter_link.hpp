#pragma once

#include "agent/linux/child_process.hpp"
#include "agent/linux/owned_fd.hpp"
#include "agent/outside.hpp"
#include "agent/starter/protocol.hpp"
#include "messages/result.hpp"

#include <chrono>
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
  /// The directory that its output goes to; empty: nowhere.
  std::string log;
  /// What that may take of the disk, in bytes.
  std::uint64_t most_output = 0;
  /// -1: the agent's own.
  std::int64_t uid = -1;
  /// The directory of its data; empty: it has none.
  std::string data;
  /// The directories of the control groups that its program runs in.
  std::vector<std::string> groups;
  /// No control group bounds how many processes its user has.
  bool bounds_processes = false;
  /// The reservations it is to hold, descriptors of the agent.
  std::vector<int> reservations;
};

/// Spawns a starter, which starts the program, given by its path, at once. Fails when one lives
/// already.
messages::result<child_process> spawn_starter(const starter_setup& setup,
                                              const std::string& program, const launch_order& order,
                                              const std::vector<std::uint16_t>& ports);

/// Where the starter of this instance's directory writes its state.
std::string state_path(const std::string& directory);

/// The starter's state as it last wrote it; none where there is none, or where it is being written
/// right now. `told`: what the program told of itself, where the starter listens for that.
std::optional<starter::state> read_state(const std::string& directory,
                                         std::optional<notice>* told = nullptr);

/// The same of a starter that lives: where the state cannot be read the starter is asked to restore
/// it, and given that time to do so.
std::optional<starter::state> state_of(const child_process& starter, const std::string& directory,
                                       std::chrono::milliseconds timeout,
                                       std::optional<notice>* told = nullptr);

/// Asks a starter that lives to make anew what is gone of its files.
void ask_to_restore(const child_process& starter, const std::string& directory);

/// Has a starter that lives stop the program, in the run that `state` tells of, and kill what is
/// left after the timeout. One that is older than such orders gives the program and its process
/// group the signal, kills what is left when the program ends, and leaves the timeout to the
/// caller.
void order_stop(const child_process& starter, const starter::state& state,
                const messages::stop_rules& rules);

/// Kills what is left of an instance whose starter was killed.
messages::result<child_process> spawn_sweep(const std::string& program, std::int64_t uid,
                                            const std::string& home);

/// Runs the program once beside the one of this process id; what comes of it is written to
/// `result`, a descriptor.
messages::result<child_process> spawn_check(const starter_setup& setup, const std::string& program,
                                            const launch_order& order, std::int64_t beside,
                                            std::chrono::milliseconds timeout, int result);

/// Why the program at this path was not started, for people.
std::string problem_text(const starter::state& state, const starter_setup& setup,
                         const std::string& path);

} // namespace deployminator::agent
