#pragma once

#include "store/connection.hpp"
#include "store/mysql_connection.hpp"

#include <memory>
#include <string>

namespace deployminator::store {

/// Connects to the database that `url` names, `sqlite:PATH` or `mysql://USER@HOST:PORT/DB`, and
/// changes nothing in it; creates the file of SQLite where there is none. The password for
/// MariaDB is the first line of `password_file`; without a file there is none. Throws
/// `store_error`.
std::unique_ptr<connection> open_connection(const std::string& url,
                                            const std::string& password_file,
                                            const mysql_patience& patience = {});

} // namespace deployminator::store
