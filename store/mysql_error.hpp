#pragma once

#include "store/error.hpp"

#include <string>

namespace deployminator::store {

/// An error that MariaDB, MySQL or their client library gave.
struct mysql_error {
  int code = 0;
  std::string text;
};

/// The connection is of no use any more, whatever its state was.
bool loses_connection(const mysql_error& e);

/// The same for people, with the database's name; says what may help.
store_error store_error_of(const std::string& database, const mysql_error& e);

} // namespace deployminator::store
