#pragma once

#include "agent/starter/protocol.hpp"

namespace deployminator::agent::starter {

/// Whether `name` in the directory `at` is the open file `fd`.
bool is_named(int fd, int at, const char* name);

/// The starter's side of `DIR/state`: what it holds is what the agent sees after `write`.
struct state_file {
  int fd = -1;
  state now;
  told said;

  /// Makes the file in the directory `dir`; an errno, or 0.
  int create(const char* dir);

  /// Overwrites the file with `now` and `said`; an errno, or 0.
  int write();

  /// Writes it again, to a new file in `dir` where the first is not there any more; an errno, or 0.
  int restore(const char* dir);
};

} // namespace deployminator::agent::starter
