#pragma once

#include "agent/linux/directories.hpp"
#include "messages/result.hpp"

#include <chrono>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>

namespace deployminator::agent {

/// How an instance was stopped.
struct stopped_instance {
  std::string id;
  /// Its program's exit code, or 128 + signal number; none where none ran.
  std::optional<int> exit;
  /// It did not end within its `stop.timeout`.
  bool killed = false;
  std::chrono::milliseconds took{0};
  /// Why something of it may still run; empty: nothing does.
  std::string problem;
};

/// Stops the instances of a machine without its agent, which must not run: all at once, each by the
/// signal and within the time that its deploy.yaml gives, as the agent's record has it; those that
/// the record does not know by SIGTERM within 10 s. The agent starts them again when it is started.
/// `tell` is called for each, as they end; `warn` for what made it go by less than the record.
messages::result<void> stop_with_machine(const directories& where,
                                         const std::function<void(const stopped_instance&)>& tell,
                                         const std::function<void(const messages::failure&)>& warn);

/// Whether the last run of the program in instances/ID was ended so.
bool was_stopped_with_machine(const std::string& directory);

/// Called before the program is started again.
void forget_stop_with_machine(const std::string& directory);

} // namespace deployminator::agent
