#pragma once

#include "actors/decisions/presence.hpp"
#include "messages/caller.hpp"
#include "messages/result.hpp"
#include "messages/timestamp.hpp"
#include "messages/wire.hpp"

namespace deployminator::actors {

/// A page of the table that a query asks for, at most `messages::page_bytes` or so large, or why
/// there is none (a group that does not exist). Instances on machines out of reach are shown as
/// lost; what the caller's key is not good for is left out. `now`: by which restarts are recent;
/// `overcommit_percent` as in `placement_rules`.
messages::result<messages::table> answer(const messages::farm& farm, const presence& machines,
                                         const messages::query& question,
                                         const messages::caller& who = {},
                                         messages::timestamp now = {},
                                         std::uint64_t overcommit_percent = 0);

} // namespace deployminator::actors
