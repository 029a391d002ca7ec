#pragma once

#include "messages/event.hpp"
#include "messages/farm.hpp"
#include "store/connection.hpp"

#include <cstdint>
#include <map>
#include <vector>

namespace deployminator::store {

/// The whole farm but `last_event`. Throws `store_error` that names database, table and row where
/// the content is not what we write, or refers to what does not exist.
messages::farm read_farm(connection& db);

/// The keys alone, by id. Throws like `read_farm`.
std::map<std::uint64_t, messages::access_key> read_keys(connection& db);

/// The events with numbers above `seq`, oldest first, at most `limit`. Throws like `read_farm`.
std::vector<messages::event> read_events(connection& db, std::uint64_t seq, std::size_t limit);

} // namespace deployminator::store
