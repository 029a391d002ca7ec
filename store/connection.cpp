#include "store/connection.hpp"

namespace deployminator::store {

messages::timestamp rows::time(int column) {
  auto value = messages::timestamp_from_text(text(column));
  if (!value)
    throw unexpected(column, "a UTC time like 2026-01-31T09:30:00.000001Z");
  return *value;
}

damage rows::unexpected(int column, const std::string& expected) {
  return damage(fmt::format("`{}` is \"{:.60}\", expected {}", statement_.column_name(column),
                            text(column), expected));
}

} // namespace deployminator::store
