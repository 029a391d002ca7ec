#pragma once

#include "actors/decisions/placement.hpp"
#include "messages/wire.hpp"

#include <string>

/// Placing by a strategy that lives in another process: what it is asked, whether its answer may be
/// carried out, and what happens without one.
namespace deployminator::actors {

/// Whether nobody has to be asked: all instances are there.
bool is_complete(const placement_request& request);

/// The question as it travels.
messages::place question_for(const placement_request& request);

/// The answer as a placement; fails with what is wrong with it: machines that cannot have it, too
/// many or too few instances, no reason.
messages::result<placement> checked(const placement_request& request,
                                    const messages::placed& answer);

/// The placement without the strategy, which fails for the reason `why`: new instances go where
/// those of the deployed version are, where that names the same strategy and they are as many as
/// are wanted. Else it fails with `why`.
messages::result<placement> as_last_time(const placement_request& request,
                                         const messages::failure& why);

} // namespace deployminator::actors
