#pragma once

#include "agent/starter/protocol.hpp"

namespace deployminator::agent::starter {

/// The starter's side of `DIR/state`: what it holds is what the agent sees after `write`.
struct state_file {
  int fd = -1;
  state now;

  /// Makes the file in the directory `dir`; an errno, or 0.
  int create(const char* dir);

  /// Overwrites the file with `now`; an errno, or 0.
  int write();
};

} // namespace deployminator::agent::starter
