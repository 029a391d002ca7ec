#pragma once

#include <sys/resource.h>

namespace deployminator::agent::starter {

/// Sets a limit, or as near to it as this process may; an errno, or 0.
int set_limit(__rlimit_resource what, rlim_t soft, rlim_t hard);

/// Gives this process what the first process of a machine gives a service, so that nothing of how
/// the agent was started shows in an instance: limits, processors, scheduling, signals. Called
/// before the change of user; an errno where limits cannot be set, or 0.
int begin_clean();

} // namespace deployminator::agent::starter
