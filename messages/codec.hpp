#pragma once

#include "messages/result.hpp"
#include "messages/wire.hpp"

#include <optional>
#include <span>
#include <string>

namespace deployminator::messages {

/// The bytes of a message: one msgpack map with the keys `magic`, `version`, `type`, `id`, `epoch`
/// and `body`.
std::string encode(const envelope& e);

/// Reads what `encode` wrote, or what a stranger sent: never throws. Refused with one sentence are
/// bytes that are not msgpack or not our envelope, an unknown type or protocol version, values of
/// the wrong type, and anything beyond the limits (size, depth, number of elements). Unknown keys
/// are ignored, missing ones keep their defaults.
result<envelope> decode(std::span<const char> bytes);

/// The correlation id of a message that `decode` refused, as far as it can be read; else 0.
std::uint64_t correlation_of(std::span<const char> bytes);

/// Packs one value as its msgpack map; how the store keeps definitions and events.
template <class T>
std::string to_bytes(const T& value) {
  msgpack::sbuffer buffer;
  msgpack::pack(buffer, value);
  return {buffer.data(), buffer.size()};
}

/// Unpacks `bytes` within the limits of `decode`; throws `msgpack::type_error` or
/// `msgpack::unpack_error` when they are damaged. For callers below the actors.
msgpack::object_handle unpack_within_limits(std::span<const char> bytes);

/// Reads what `to_bytes` wrote; what it throws, see `unpack_within_limits`.
template <class T>
T from_bytes(std::span<const char> bytes) {
  return unpack_within_limits(bytes).get().template as<T>();
}

/// The same; nothing where `bytes` are something else.
template <class T>
std::optional<T> try_from_bytes(std::span<const char> bytes) {
  try {
    return from_bytes<T>(bytes);
  } catch (const msgpack::type_error&) {
  } catch (const msgpack::unpack_error&) {
  }
  return std::nullopt;
}

} // namespace deployminator::messages
