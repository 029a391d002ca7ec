#include "store/document.hpp"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include <algorithm>
#include <cmath>
#include <iterator>
#include <string_view>

namespace deployminator::store {

namespace {

using nlohmann::json;

/// Writes JSON as the packed value is read, without a tree between. False stops: JSON cannot say
/// it.
class json_writer : public msgpack::null_visitor {
public:
  bool visit_nil() {
    return put("null");
  }
  bool visit_boolean(bool value) {
    return put(value ? "true" : "false");
  }
  bool visit_positive_integer(std::uint64_t value) {
    fmt::format_to(std::back_inserter(text), "{}", value);
    return true;
  }
  bool visit_negative_integer(std::int64_t value) {
    fmt::format_to(std::back_inserter(text), "{}", value);
    return true;
  }
  bool visit_float32(float value) {
    return visit_float64(static_cast<double>(value));
  }
  bool visit_float64(double value) {
    return std::isfinite(value) && put(json(value).dump());
  }
  bool visit_str(const char* begin, std::uint32_t size) {
    std::string_view value{begin, size};
    bool is_plain = std::all_of(value.begin(), value.end(), [](char c) {
      return c >= ' ' && c <= '~' && c != '"' && c != '\\';
    });
    if (!is_plain)
      // Throws for text that is not UTF-8.
      return put(json(value).dump());
    text += '"';
    text += value;
    text += '"';
    return true;
  }
  bool visit_bin(const char*, std::uint32_t) {
    return false;
  }
  bool visit_ext(const char*, std::uint32_t) {
    return false;
  }
  bool start_array(std::uint32_t) {
    return put("[");
  }
  bool end_array_item() {
    return put(",");
  }
  bool end_array() {
    return close(']');
  }
  bool start_map(std::uint32_t) {
    return put("{");
  }
  bool end_map_key() {
    return put(":");
  }
  bool end_map_value() {
    return put(",");
  }
  bool end_map() {
    return close('}');
  }

  std::string text;

private:
  bool put(std::string_view more) {
    text += more;
    return true;
  }

  bool close(char bracket) {
    if (text.back() == ',')
      text.back() = bracket;
    else
      text += bracket;
    return true;
  }
};

} // namespace

document document_of(std::string packed) {
  json_writer writer;
  writer.text.reserve(packed.size() * 2);
  try {
    std::size_t read = 0;
    if (msgpack::parse(packed.data(), packed.size(), read, writer))
      return {std::move(writer.text), true};
  } catch (const json::type_error&) {
    // Text that is not UTF-8.
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
