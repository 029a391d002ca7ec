#pragma once

#include "store/connection.hpp"

#include <chrono>
#include <memory>
#include <string>

namespace deployminator::store {

/// Opens the SQLite database in the file `path`, which is created, readable by its owner alone,
/// when it does not exist; so is its directory, but not the one above. `:memory:` is a database
/// that goes with its connection. A statement waits for `timeout` while another process writes.
/// Changes nothing in a file that exists. Throws `store_error`.
std::unique_ptr<connection> open_sqlite(const std::string& path, std::chrono::milliseconds timeout
                                                                 = std::chrono::seconds{5});

} // namespace deployminator::store
