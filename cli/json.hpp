#pragma once

#include "messages/codec.hpp"
#include "messages/failure.hpp"

#include <nlohmann/json.hpp>

#include <string>

namespace deployminator::cli {

/// Keys stay in the order in which they were put.
using json = nlohmann::ordered_json;

/// The JSON of a value that travels on the wire: the same keys, the same values.
template <class T>
json to_json(const T& value) {
  return json::from_msgpack(messages::to_bytes(value));
}

/// `{"error": {code, message, hint}}`.
json error_json(const messages::failure& why);

/// The document on one line, with its line break. Bytes that are no UTF-8 become `�`.
std::string one_line(const json& document);

/// The document for people and programs, indented, with its line break.
std::string indented(const json& document);

} // namespace deployminator::cli
