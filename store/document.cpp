#include "store/document.hpp"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include <algorithm>
#include <cmath>

namespace deployminator::store {

namespace {

using nlohmann::json;

bool is_finite(const json& value) {
  if (value.is_number_float())
    return std::isfinite(value.get<double>());
  return !value.is_structured() || std::all_of(value.begin(), value.end(), is_finite);
}

} // namespace

document document_of(std::string packed) {
  try {
    auto value = json::from_msgpack(packed);
    if (is_finite(value))
      return {value.dump(), true};
  } catch (const json::type_error&) {
    // Thrown by `dump` for text that is not UTF-8.
  }
  return {std::move(packed), false};
}

std::string packed_in(const std::string& column) {
  // No map or array of msgpack starts with one of these two.
  if (!column.starts_with('{') && !column.starts_with('['))
    return column;
  try {
    std::string packed;
    json::to_msgpack(json::parse(column), packed);
    return packed;
  } catch (const json::exception& e) {
    throw damage(fmt::format("it is not JSON ({})", e.what()));
  }
}

} // namespace deployminator::store
