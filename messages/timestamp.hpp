#pragma once

#include "messages/packing.hpp"

#include <chrono>
#include <compare>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace deployminator::messages {

/// A moment in UTC, in microseconds since 1970. Only a stamp for people: nothing decides by it,
/// since the clocks of two machines differ and a clock may jump; but a server of when it takes its
/// next key.
struct timestamp {
  std::int64_t microseconds = 0;

  auto operator<=>(const timestamp&) const = default;

  /// Whether it was ever set.
  explicit operator bool() const {
    return microseconds != 0;
  }
};

/// RFC 3339 in UTC with microseconds: `2026-01-31T09:30:00.000001Z`.
std::string to_text(timestamp t);

/// Reads what `to_text` wrote, or nothing.
std::optional<timestamp> timestamp_from_text(std::string_view text);

/// The system's clock. Actors do not call it; they ask the clock they were given.
timestamp system_utc_now();

} // namespace deployminator::messages

namespace msgpack {
MSGPACK_API_VERSION_NAMESPACE(MSGPACK_DEFAULT_API_NS) {
  namespace adaptor {

  template <>
  struct convert<deployminator::messages::timestamp> {
    const msgpack::object& operator()(const msgpack::object& o,
                                      deployminator::messages::timestamp& out) const {
      auto value = deployminator::messages::timestamp_from_text(o.as<std::string>());
      if (!value)
        throw msgpack::type_error{};
      out = *value;
      return o;
    }
  };

  template <>
  struct pack<deployminator::messages::timestamp> {
    template <class Stream>
    msgpack::packer<Stream>& operator()(msgpack::packer<Stream>& p,
                                        deployminator::messages::timestamp t) const {
      return p.pack(deployminator::messages::to_text(t));
    }
  };

  template <>
  struct object_with_zone<deployminator::messages::timestamp> {
    void operator()(msgpack::object::with_zone& o, deployminator::messages::timestamp t) const {
      static_cast<msgpack::object&>(o)
        = msgpack::object(deployminator::messages::to_text(t), o.zone);
    }
  };

  } // namespace adaptor
}
} // namespace msgpack
