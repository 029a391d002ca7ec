#pragma once

#include "store/connection.hpp"

namespace deployminator::store {

/// Throws `store_error`, one sentence, for a server that would not keep what it acknowledges, or
/// would keep something else than it was given.
void check_mysql_settings(connection& db);

/// Throws `store_error` for tables that cannot be rolled back, or do not keep bytes as they are.
void check_mysql_tables(connection& db);

} // namespace deployminator::store
