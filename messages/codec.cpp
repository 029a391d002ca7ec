#include "messages/codec.hpp"

#include <fmt/format.h>

#include <new>

namespace deployminator::messages {

namespace {

constexpr std::string_view magic = "deployminator";

/// Array, map, string, binary, extension and depth limits of one message.
const msgpack::unpack_limit limits{100'000, 10'000, max_message_bytes, max_message_bytes, 0, 24};

struct envelope_head {
  std::string magic;
  std::uint32_t version = 0;
  std::string type;
  std::uint64_t id = 0;
  std::uint64_t epoch = 0;
  msgpack::object body;
  MSGPACK_DEFINE_MAP(magic, version, type, id, epoch, body)
};

struct id_only {
  std::uint64_t id = 0;
  MSGPACK_DEFINE_MAP(id)
};

failure malformed(std::string message) {
  return {failure_code::invalid, std::move(message), "see messages/README.md for the protocol"};
}

/// Says what keeps `o` from being a `T`: missing keys never do, so the first key that does so
/// alone is the culprit.
template <class T>
failure wrong_value(const msgpack::object& o, std::string_view what) {
  if (o.type != msgpack::type::MAP)
    return malformed(fmt::format("{} is not a msgpack map", what));
  for (std::uint32_t i = 0; i < o.via.map.size; ++i) {
    const auto& key = o.via.map.ptr[i].key;
    if (key.type != msgpack::type::STR)
      return malformed(fmt::format("{} has a key that is not a string", what));
    msgpack::object alone;
    alone.type = msgpack::type::MAP;
    alone.via.map = {1, o.via.map.ptr + i};
    try {
      static_cast<void>(alone.as<T>());
    } catch (const msgpack::type_error&) {
      return malformed(fmt::format("the key \"{}\" of {} has a value of the wrong type or range",
                                   std::string_view{key.via.str.ptr, key.via.str.size}, what));
    }
  }
  return malformed(fmt::format("{} has a value of the wrong type", what));
}

template <class T>
result<T> read_map(const msgpack::object& o, std::string_view what) {
  try {
    return o.as<T>();
  } catch (const msgpack::type_error&) {
    return wrong_value<T>(o, what);
  }
}

template <std::size_t I = 0>
result<message> read_body(const envelope_head& head) {
  if constexpr (I < std::variant_size_v<message>) {
    using alternative = std::variant_alternative_t<I, message>;
    if (alternative::type != head.type)
      return read_body<I + 1>(head);
    if (head.body.is_nil())
      return message{alternative{}};
    auto body = read_map<alternative>(head.body, fmt::format("the message \"{}\"", head.type));
    if (!body)
      return body.error();
    return message{std::move(*body)};
  } else {
    return malformed(fmt::format("unknown message type \"{:.40}\"", head.type));
  }
}

result<envelope> read_envelope(const msgpack::object& object) {
  auto read = read_map<envelope_head>(object, "the envelope");
  if (!read)
    return read.error();
  const auto& head = *read;
  if (head.magic != magic)
    return malformed("the message lacks `magic: \"deployminator\"`");
  if (head.version < lowest_protocol || head.version > highest_protocol)
    return failure{failure_code::version,
                   fmt::format("the message speaks protocol version {}, this side speaks {} to {}",
                               head.version, lowest_protocol, highest_protocol),
                   "upgrade the older side"};
  auto body = read_body(head);
  if (!body)
    return body.error();
  return envelope{head.id, head.epoch, std::move(*body)};
}

} // namespace

std::string encode(const envelope& e) {
  msgpack::sbuffer buffer;
  msgpack::packer packer{buffer};
  packer.pack_map(6);
  packer.pack("magic").pack(magic);
  packer.pack("version").pack(highest_protocol);
  packer.pack("type").pack(std::visit([](const auto& body) { return body.type; }, e.body));
  packer.pack("id").pack(e.id);
  packer.pack("epoch").pack(e.epoch);
  packer.pack("body");
  std::visit([&](const auto& body) { packer.pack(body); }, e.body);
  return {buffer.data(), buffer.size()};
}

msgpack::object_handle unpack_within_limits(std::span<const char> bytes) {
  std::size_t used = 0;
  auto handle = msgpack::unpack(bytes.data(), bytes.size(), used, nullptr, nullptr, limits);
  if (used != bytes.size())
    throw msgpack::unpack_error{"bytes follow its end"};
  return handle;
}

result<envelope> decode(std::span<const char> bytes) {
  if (bytes.size() > max_message_bytes)
    return malformed(fmt::format("the message has {} bytes, more than the {} allowed", bytes.size(),
                                 max_message_bytes));
  try {
    auto handle = unpack_within_limits(bytes);
    return read_envelope(handle.get());
  } catch (const msgpack::size_overflow&) {
    return malformed("the message has too many elements, or nests too deeply");
  } catch (const msgpack::insufficient_bytes&) {
    return malformed("the message is cut short, or no msgpack");
  } catch (const msgpack::unpack_error& e) {
    return malformed(fmt::format("the message is no msgpack: {}", e.what()));
  } catch (const std::bad_alloc&) {
    return malformed("the message asks for more memory than there is");
  }
}

std::uint64_t correlation_of(std::span<const char> bytes) {
  if (bytes.size() > max_message_bytes)
    return 0;
  try {
    return from_bytes<id_only>(bytes).id;
  } catch (const msgpack::unpack_error&) {
    return 0;
  } catch (const msgpack::type_error&) {
    return 0;
  } catch (const std::bad_alloc&) {
    return 0;
  }
}

} // namespace deployminator::messages
