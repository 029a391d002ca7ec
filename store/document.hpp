#pragma once

#include "messages/codec.hpp"
#include "store/error.hpp"

#include <string>

namespace deployminator::store {

/// A whole value in one column.
struct document {
  std::string bytes;
  /// JSON, which people and `json_extract` can read; else msgpack.
  bool is_json = true;

  bool operator==(const document&) const = default;
};

/// A packed value as JSON. Stays msgpack when JSON cannot say it: text that is not UTF-8 (a
/// program's output may be anything), numbers that are not finite.
document document_of(std::string packed);

/// The packed value in a column that `document_of` filled; throws `damage`.
std::string packed_in(const std::string& column);

template <class T>
document to_document(const T& value) {
  return document_of(messages::to_bytes(value));
}

/// Throws `damage` when `column` does not hold a T.
template <class T>
T from_document(const std::string& column) {
  try {
    return messages::from_bytes<T>(packed_in(column));
  } catch (const msgpack::type_error&) {
    throw damage("a value in it has the wrong type or an unknown name");
  } catch (const msgpack::unpack_error&) {
    throw damage("it is neither JSON nor complete msgpack");
  }
}

} // namespace deployminator::store
