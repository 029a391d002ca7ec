#pragma once

#include "messages/packing.hpp"

#include <chrono>
#include <cmath>
#include <cstdint>

namespace deployminator::messages {

/// A span of time in the values and on the wire: seconds there, as a number.
using duration = std::chrono::milliseconds;

} // namespace deployminator::messages

namespace msgpack {
MSGPACK_API_VERSION_NAMESPACE(MSGPACK_DEFAULT_API_NS) {
  namespace adaptor {

  template <>
  struct convert<std::chrono::milliseconds> {
    const msgpack::object& operator()(const msgpack::object& o,
                                      std::chrono::milliseconds& out) const {
      auto seconds = o.as<double>();
      constexpr double century = 100.0 * 366 * 24 * 3600;
      if (!(seconds >= -century && seconds <= century))
        throw msgpack::type_error{};
      out = std::chrono::milliseconds{std::llround(seconds * 1000)};
      return o;
    }
  };

  template <>
  struct pack<std::chrono::milliseconds> {
    template <class Stream>
    msgpack::packer<Stream>& operator()(msgpack::packer<Stream>& p,
                                        std::chrono::milliseconds d) const {
      return p.pack(static_cast<double>(d.count()) / 1000);
    }
  };

  template <>
  struct object_with_zone<std::chrono::milliseconds> {
    void operator()(msgpack::object::with_zone& o, std::chrono::milliseconds d) const {
      static_cast<msgpack::object&>(o) = msgpack::object(static_cast<double>(d.count()) / 1000);
    }
  };

  } // namespace adaptor
}
} // namespace msgpack
