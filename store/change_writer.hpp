#pragma once

#include "messages/change.hpp"
#include "store/connection.hpp"

#include <cstdint>

namespace deployminator::store {

/// Writes the rows of a change, and takes out those that go. Within a transaction of the caller.
void write_rows(connection& db, const messages::change& c);

/// Writes events, the first with the number `first`.
void write_events(connection& db, const std::vector<messages::event>& events, std::uint64_t first);

} // namespace deployminator::store
