#pragma once

#include "agent/starter/own_view.hpp"
#include "agent/starter/protocol.hpp"

#include <sys/types.h>

namespace deployminator::agent::starter {

/// How to run the instance's program; everything but the environment, which is the starter's own.
struct program {
  /// The instance's directory.
  const char* directory = nullptr;
  /// Its working directory.
  const char* home = nullptr;
  /// What becomes its stdout and stderr; -1: the null device.
  int output[2] = {-1, -1};
  /// The user to run as; -1: stay who we are.
  long uid = -1;
  /// 0: no limit.
  unsigned long long memory_mb = 0;
  int nice = 0;
  /// The program's absolute path and its arguments, ended by a null pointer.
  char** args = nullptr;
  data_mount data;
};

/// What came of `start`.
struct started {
  pid_t pid = 0;
  problem failed = problem::none;
  int error = 0;
};

/// Starts the program as a child of this process, in a session of its own and such that it dies
/// with this process. Returns when the program was executed or when it is known why not.
started start(const program& p);

/// Becomes the user `uid`, without supplementary groups and without any way back; an errno, or 0.
int become_user(long uid);

} // namespace deployminator::agent::starter
