#pragma once

#include <sys/resource.h>

namespace deployminator::agent::starter {

/// Sets a limit, or as near to it as this process may; an errno, or 0.
int set_limit(__rlimit_resource what, rlim_t soft, rlim_t hard);

/// Gives this process what the first process of a machine gives a service, so that nothing of how
/// the agent was started shows in an instance: limits, processors, scheduling, signals. Called
/// before the change of user; an errno where limits cannot be set, or 0. `others`: the limits, each
/// a bit `1 << RLIMIT_…`, that the caller sets to something else: who may not raise what was
/// lowered could not.
int begin_clean(unsigned others);

} // namespace deployminator::agent::starter
