#include "messages/packing.hpp"

#include <algorithm>
#include <string_view>

namespace deployminator::messages::packing {

map_reader::map_reader(const msgpack::object& from) : from_{from} {
  if (from.type != msgpack::type::MAP)
    throw msgpack::type_error{};
  const auto& map = from.via.map;
  if (!std::all_of(map.ptr, map.ptr + map.size,
                   [](const auto& each) { return each.key.type == msgpack::type::STR; }))
    throw msgpack::type_error{};
}

void map_reader::take(const char* key) {
  const auto& map = from_.via.map;
  const auto* found
    = std::find_if(map.ptr, map.ptr + map.size, [name = std::string_view{key}](const auto& each) {
        return std::string_view{each.key.via.str.ptr, each.key.via.str.size} == name;
      });
  found_ = found == map.ptr + map.size ? nullptr : &found->val;
}

map_maker::map_maker(msgpack::object& to, msgpack::zone& zone) : to_{to}, zone_{zone} {}

void map_maker::reserve(std::uint32_t size) {
  to_.type = msgpack::type::MAP;
  to_.via.map.size = 0;
  to_.via.map.ptr = static_cast<msgpack::object_kv*>(zone_.allocate_align(
    size * sizeof(msgpack::object_kv), MSGPACK_ZONE_ALIGNOF(msgpack::object_kv)));
}

void map_maker::add(const char* key) {
  to_.via.map.ptr[to_.via.map.size].key = msgpack::object(key, zone_);
}

} // namespace deployminator::messages::packing
