#pragma once

#include "agent/starter/data_mount.hpp"

namespace deployminator::agent::starter {

/// What a program is to see of the machine's files.
struct view {
  /// The instance's directory, to which only root may write; what the program keeps in /tmp and
  /// /var/tmp lies below it in `private/`, and is gone with it.
  const char* directory = nullptr;
  /// The program's working directory.
  const char* home = nullptr;
  data_mount data;
  /// The user that the program runs as.
  long uid = -1;
};

/// What went wrong: an errno, and whether with the data.
struct view_error {
  int error = 0;
  bool is_data = false;
};

/// Gives this process, and all that it starts, a /tmp, /var/tmp and /dev/shm of its own, shared
/// memory, semaphores and message queues that nobody else has (System V's and POSIX's), a /proc
/// with the processes of its own user only, and its data as its own user's; by a mount and an IPC
/// namespace, which end with the last process in them. An agent that may not mount, as in a
/// container without CAP_SYS_ADMIN, leaves everything shared, but for data, which takes a mount.
view_error take_own_view(const view& wanted);

/// Gives this process the view of another one that has taken its own, or left it shared. An errno,
/// or 0.
int join_view_of(long process);

/// Whether a process with a view of its own does not see this path of the machine.
bool is_hidden(const char* path);

} // namespace deployminator::agent::starter
