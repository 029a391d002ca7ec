#include "messages/codec.hpp"

#include <fmt/format.h>

#include <algorithm>
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

template <std::size_t I = 0>
bool read_body(const envelope_head& head, message& out) {
  if constexpr (I < std::variant_size_v<message>) {
    using alternative = std::variant_alternative_t<I, message>;
    if (alternative::type != head.type)
      return read_body<I + 1>(head, out);
    out = head.body.as<alternative>();
    return true;
  } else {
    return false;
  }
}

failure malformed(std::string message) {
  return {failure_code::invalid, std::move(message), "see messages/README.md for the protocol"};
}

result<envelope> read_envelope(const msgpack::object& object) {
  if (object.type != msgpack::type::MAP)
    return malformed("the message is not a msgpack map");
  auto head = object.as<envelope_head>();
  if (head.magic != magic)
    return malformed("the message lacks `magic: \"deployminator\"`");
  if (head.version < lowest_protocol || head.version > highest_protocol)
    return failure{failure_code::version,
                   fmt::format("the message speaks protocol version {}, this side speaks {} to {}",
                               head.version, lowest_protocol, highest_protocol),
                   "upgrade the older side"};
  envelope out{head.id, head.epoch, {}};
  if (!read_body(head, out.body))
    return malformed(fmt::format("unknown message type \"{:.40}\"", head.type));
  return out;
}

template <class T>
std::uint64_t digest_by_id(std::vector<T> values) {
  std::sort(values.begin(), values.end(), [](const T& a, const T& b) { return a.id < b.id; });
  std::uint64_t hash = 14695981039346656037U;
  for (const auto& value : values)
    for (char c : to_bytes(value))
      hash = (hash ^ static_cast<unsigned char>(c)) * 1099511628211U;
  return hash;
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
    throw msgpack::type_error{};
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
  } catch (const msgpack::unpack_error&) {
    return malformed("the message is not complete msgpack");
  } catch (const msgpack::type_error&) {
    return malformed("a value of the message has the wrong type, or bytes follow its end");
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

std::uint64_t digest_of(std::vector<instance_spec> specs) {
  return digest_by_id(std::move(specs));
}

std::uint64_t digest_of(std::vector<observation> observations) {
  return digest_by_id(std::move(observations));
}

} // namespace deployminator::messages
