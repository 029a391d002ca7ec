#pragma once

#include "agent/starter/own_view.hpp"
#include "agent/starter/protocol.hpp"

#include <sys/types.h>

namespace deployminator::agent::starter {

/// As a limit: what is usual, and none at all.
inline constexpr long long as_usual = -1;
inline constexpr long long unlimited_use = -2;

/// What the program's processes may use, as resource limits of the kernel: each a number,
/// `as_usual` or `unlimited_use`.
struct program_limits {
  /// In bytes.
  long long address_space = as_usual;
  long long open_files = as_usual;
  /// Of its user.
  long long processes = as_usual;
  /// In bytes.
  long long core_size = as_usual;
};

/// The limits in ADDRESS_SPACE,OPEN_FILES,PROCESSES,CORE_SIZE.
program_limits limits_in(const char* list);

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
  program_limits limits;
  int nice = 0;
  /// The directories of the control groups that it runs in, with a colon between two.
  const char* groups = "";
  /// The program's absolute path and its arguments, ended by a null pointer.
  char** args = nullptr;
  data_mount data;
  /// Shares the view of this process, which runs as `uid`, instead of having one of its own; 0: it
  /// has its own.
  pid_t beside = 0;
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
