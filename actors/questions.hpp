#pragma once

#include "actors/commits.hpp"

/// How the DEPLOYMINATOR answers what changes nothing.
namespace deployminator::actors {

/// A client's `query`, `read_log`, `find_logs` or `measure`. Yields the answer as `who` may see it,
/// or why there is none.
caf::result<message_ptr> take_question(deployminator_pointer self, const messages::caller& who,
                                       const envelope_ptr& envelope);

} // namespace deployminator::actors
