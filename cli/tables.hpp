#pragma once

#include "cli/client.hpp"
#include "cli/group_name.hpp"
#include "messages/wire.hpp"

namespace deployminator::cli {

/// Asks for a whole table, page by page; an empty name: all of it. `seq` is that of the first page.
messages::table ask_table(client& server, messages::query_subject subject,
                          const group_name& of = {});

} // namespace deployminator::cli
