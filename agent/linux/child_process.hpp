#pragma once

#include "agent/linux/owned_fd.hpp"
#include "messages/result.hpp"

#include <optional>
#include <string>
#include <vector>

#include <sys/types.h>

namespace deployminator::agent {

/// A program to be spawned (never forked: the agent has threads and may be large). It gets the
/// default reaction to every signal, and no descriptors but those named.
struct spawn_order {
  std::string program;
  /// Without the program's own name.
  std::vector<std::string> args;
  std::vector<std::string> env;
  /// -1: the null device.
  int standard_input = -1;
  int standard_error = -1;
  /// Inherited under their own numbers.
  std::vector<int> inherited;
  /// It begins with all signals blocked.
  bool signals_blocked = false;
};

/// A process and the handle that stays its own when its id is used again.
struct child_process {
  pid_t pid = 0;
  owned_fd handle;
};

messages::result<child_process> spawn(const spawn_order& order);

/// A handle for a process of which only the id is known; none when there is no such process.
owned_fd process_handle(pid_t pid);

/// Sends a signal with a value; false, with errno, when that failed.
bool send_signal(const owned_fd& process, int signal, int value = 0);

/// Whether the process ended; it need not be a child.
bool has_ended(const owned_fd& process);

/// Reaps a child that ended: its exit code, or 128 + signal number. Nothing if it was no child.
std::optional<int> reap(const owned_fd& process);

} // namespace deployminator::agent
