#pragma once

#include "store/connection.hpp"
#include "store/mysql_address.hpp"

#include <chrono>
#include <memory>
#include <string>

namespace deployminator::store {

/// How long to wait for the server of a database.
struct mysql_patience {
  std::chrono::seconds to_connect{5};
  /// For a statement's answer.
  std::chrono::seconds to_answer{15};
  /// The server ends a transaction in which nothing is asked for so long: one that is stopped
  /// within a transaction would keep every other server from leading. 0: never.
  std::chrono::seconds to_go_on{4};
};

/// Opens the database of MariaDB or MySQL that is there. Throws `store_error`, also where a setting
/// of the server breaks the store's promise: each connection looks at them, for it may be with
/// another server than the last.
std::unique_ptr<connection> open_mysql(const mysql_address& at, const std::string& password,
                                       const mysql_patience& patience = {});

} // namespace deployminator::store
