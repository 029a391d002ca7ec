#pragma once

#include "store/connection.hpp"
#include "store/store.hpp"

#include <memory>
#include <string>
#include <string_view>
#include <vector>

/// The database that a test runs on: SQLite in `store_test`, MariaDB in `store_mariadb_test`.
namespace deployminator::test {

/// A database; goes with its last copy.
struct database {
  /// For `open_store`, any number of times.
  std::string url;
  /// What failures call it.
  std::string name;
  std::shared_ptr<void> owner;
};

/// One that is as if it were new for `open_store`.
database fresh_database();

/// A connection to a database without tables, which goes with it.
std::unique_ptr<store::connection> connection_to_empty_database();

/// Another connection than that of the store.
std::unique_ptr<store::connection> connection_to(const database& d);

/// The open store; fails the test when it cannot be opened.
std::unique_ptr<store::store> opened(const std::string& url);

/// Changes one row by hand, as an operator might: without the checks of our connection. False where
/// the database itself does not let that happen.
bool damage(const database& d, const std::string& sql);

/// `COLUMN -> TABLE.COLUMN` for each reference of the table to another, sorted.
std::vector<std::string> references_of(store::connection& db, const std::string& table);

} // namespace deployminator::test
