#pragma once

#include "agent/linux/owned_fd.hpp"
#include "messages/result.hpp"

#include <string>

#include <sys/types.h>

namespace deployminator::agent {

/// Takes the lock in an instance's directory, which makes a starter the only one; it goes on with
/// the starter's copy. `refused` where a starter has it.
messages::result<owned_fd> take_lock(const std::string& directory);

/// Whether the lock in an instance's directory is there and held.
bool is_locked(const std::string& directory);

/// The starter that holds the lock in this directory, where it has shown itself; else 0.
pid_t lock_holder(const std::string& directory);

} // namespace deployminator::agent
