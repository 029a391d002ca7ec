#pragma once

#include "store/connection.hpp"

#include <string_view>
#include <variant>
#include <vector>

namespace deployminator::store {

/// What is bound to one `?`.
using parameter = std::variant<std::int64_t, std::string, document>;

/// What is bound for one row.
using parameters = std::vector<parameter>;

inline parameter to_parameter(std::integral auto value) {
  return static_cast<std::int64_t>(value);
}

inline parameter to_parameter(std::string value) {
  return value;
}

inline parameter to_parameter(messages::timestamp value) {
  return messages::to_text(value);
}

parameter to_parameter(messages::named_enum auto value) {
  return std::string{messages::to_text(value)};
}

inline parameter to_parameter(document value) {
  return value;
}

inline void bind(statement& to, int n, const parameter& value) {
  std::visit([&](const auto& each) { bind(to, n, each); }, value);
}

template <class... Values>
parameters row_of(Values&&... values) {
  parameters row;
  row.reserve(sizeof...(values));
  (row.push_back(to_parameter(std::forward<Values>(values))), ...);
  return row;
}

/// A statement about any number of rows: `before`, then `each` for every row, joined by commas,
/// then `after`. "INSERT INTO t (a, b) VALUES ", "(?, ?)", "" or "DELETE FROM t WHERE id IN (",
/// "?", ")".
struct batch_words {
  std::string_view before;
  std::string_view each;
  std::string_view after;
};

/// Runs it about all of the rows, in few statements: each costs a round trip where the database is
/// another process. Their texts are few as well, for the connection keeps what it prepared.
void run_batch(connection& db, const batch_words& words, const std::vector<parameters>& rows);

/// How many of the rows from `first` on one statement is about: a power of two, and together not
/// too large for a packet.
std::size_t batch_size(const std::vector<parameters>& rows, std::size_t first);

} // namespace deployminator::store
