#pragma once

#include "messages/packing.hpp"

#include <fmt/format.h>

#include <array>
#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

namespace deployminator::messages {

/// The names of an enum's values, in the order of the enumerators (which count from 0 without a
/// gap). Specialise with `static constexpr std::array names{...}` of `std::string_view`. The name
/// is what travels on the wire, stands in the store and is printed as JSON.
template <class E>
struct enum_text;

template <class E>
concept named_enum = requires {
  enum_text<E>::names.size();
};

/// The name of `value`; "?" for a value outside the enum.
template <named_enum E>
constexpr std::string_view to_text(E value) {
  auto index = static_cast<std::size_t>(value);
  return index < enum_text<E>::names.size() ? enum_text<E>::names[index] : std::string_view{"?"};
}

/// The value called `name`, or nothing.
template <named_enum E>
constexpr std::optional<E> from_text(std::string_view name) {
  for (std::size_t i = 0; i < enum_text<E>::names.size(); ++i)
    if (enum_text<E>::names[i] == name)
      return static_cast<E>(i);
  return std::nullopt;
}

} // namespace deployminator::messages

namespace msgpack {
MSGPACK_API_VERSION_NAMESPACE(MSGPACK_DEFAULT_API_NS) {
  namespace adaptor {

  template <deployminator::messages::named_enum E>
  struct convert<E, void> {
    const msgpack::object& operator()(const msgpack::object& o, E& out) const {
      auto name = o.as<std::string>();
      auto value = deployminator::messages::from_text<E>(name);
      if (!value)
        throw msgpack::type_error{};
      out = *value;
      return o;
    }
  };

  template <deployminator::messages::named_enum E>
  struct pack<E, void> {
    template <class Stream>
    msgpack::packer<Stream>& operator()(msgpack::packer<Stream>& p, E value) const {
      return p.pack(deployminator::messages::to_text(value));
    }
  };

  template <deployminator::messages::named_enum E>
  struct object_with_zone<E, void> {
    void operator()(msgpack::object::with_zone& o, E value) const {
      static_cast<msgpack::object&>(o)
        = msgpack::object(std::string{deployminator::messages::to_text(value)}, o.zone);
    }
  };

  } // namespace adaptor
}
} // namespace msgpack

template <deployminator::messages::named_enum E>
struct fmt::formatter<E, char> : fmt::formatter<std::string_view> {
  auto format(E value, fmt::format_context& context) const {
    return formatter<std::string_view>::format(deployminator::messages::to_text(value), context);
  }
};
