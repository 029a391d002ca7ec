#pragma once

#include "messages/result.hpp"

#include <cstdint>
#include <string>
#include <vector>

namespace deployminator::store {

/// A table that was copied.
struct copied_table {
  std::string name;
  std::uint64_t rows = 0;
};

/// Copies the store `from` into `to`, which holds none yet, and compares them row by row
/// afterwards. The URLs and the password file are those of `open_store`. Changes nothing in `from`,
/// and all or nothing in `to`. No server may run on either.
messages::result<std::vector<copied_table>>
copy_store(const std::string& from, const std::string& to, const std::string& password_file);

} // namespace deployminator::store
