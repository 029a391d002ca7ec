#pragma once

#include <msgpack.hpp>

#include <string>

/// What a release says that knows more than this one.
namespace deployminator::test {

inline void add_unknown_keys(const msgpack::object& from, msgpack::packer<msgpack::sbuffer>& to) {
  if (from.type == msgpack::type::ARRAY) {
    to.pack_array(from.via.array.size);
    for (std::uint32_t i = 0; i < from.via.array.size; ++i)
      add_unknown_keys(from.via.array.ptr[i], to);
    return;
  }
  if (from.type != msgpack::type::MAP)
    return static_cast<void>(to.pack(from));
  to.pack_map(from.via.map.size + 1);
  to.pack(std::string{"a_later_key"});
  to.pack_map(1).pack(std::string{"deep"}).pack(7);
  for (std::uint32_t i = 0; i < from.via.map.size; ++i) {
    const auto& [key, value] = from.via.map.ptr[i];
    to.pack(key);
    // Its keys are people's, not the protocol's.
    bool is_free
      = key.type == msgpack::type::STR && std::string(key.via.str.ptr, key.via.str.size) == "env";
    if (is_free)
      to.pack(value);
    else
      add_unknown_keys(value, to);
  }
}

/// A packed message with one key more in each of its maps, however deep.
inline std::string with_unknown_keys(const std::string& bytes) {
  auto read = msgpack::unpack(bytes.data(), bytes.size());
  msgpack::sbuffer out;
  msgpack::packer<msgpack::sbuffer> packer{out};
  add_unknown_keys(read.get(), packer);
  return {out.data(), out.size()};
}

} // namespace deployminator::test
