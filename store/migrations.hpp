#pragma once

#include "store/connection.hpp"

#include <cstdint>
#include <string_view>
#include <vector>

namespace deployminator::store {

/// One step from a schema to the next. `{row_id}` and `{options}` in its statements stand for the
/// database's `table_words`.
struct migration {
  /// Counts from 1; the schema's number after it.
  std::uint64_t number = 0;
  std::vector<std::string_view> statements;
};

/// All there are, in order. One that was released is never edited: a change is a new one.
const std::vector<migration>& all_migrations();

/// The number of the schema that the database has; 0: it is empty. Throws `store_error` for another
/// program's.
std::uint64_t schema_of(connection& db);

/// Brings the database to the schema of the last migration, in one transaction where the database
/// can. MariaDB commits after each CREATE TABLE, so there steps are marked before and after: where
/// they were cut off is told the next time, and a new database is made anew. Throws `store_error`,
/// having changed nothing, for a database that has a newer schema, or tables but none of ours, or
/// half of a step.
void migrate(connection& db, const std::vector<migration>& migrations = all_migrations());

} // namespace deployminator::store
