#include "messages/event.hpp"

#include <algorithm>
#include <array>

namespace deployminator::messages {

namespace {

/// The header of an event as it lies in the flat map.
struct event_header {
  std::uint64_t seq = 0;
  timestamp time;
  std::string type;
  std::string namespace_;
  std::string group;
  std::uint64_t version = 0;
  MSGPACK_DEFINE_MAP(seq, time, type, MSGPACK_NVP("namespace", namespace_), group, version)
};

constexpr std::array<std::string_view, 6> header_keys{"seq",       "time",  "type",
                                                      "namespace", "group", "version"};

std::string_view text_of(const msgpack::object& o) {
  return o.type == msgpack::type::STR ? std::string_view{o.via.str.ptr, o.via.str.size}
                                      : std::string_view{};
}

bool fits_into_json(const msgpack::object& o) {
  if (o.type == msgpack::type::ARRAY)
    return std::all_of(o.via.array.ptr, o.via.array.ptr + o.via.array.size, fits_into_json);
  if (o.type == msgpack::type::MAP)
    return std::all_of(o.via.map.ptr, o.via.map.ptr + o.via.map.size, [](const auto& each) {
      return each.key.type == msgpack::type::STR && fits_into_json(each.val);
    });
  return o.type != msgpack::type::BIN && o.type != msgpack::type::EXT;
}

other_event read_other(const msgpack::object& o, std::string_view type) {
  std::vector<msgpack::object_kv> keys;
  std::copy_if(o.via.map.ptr, o.via.map.ptr + o.via.map.size, std::back_inserter(keys),
               [](const msgpack::object_kv& each) {
                 auto key = text_of(each.key);
                 bool is_header
                   = std::find(header_keys.begin(), header_keys.end(), key) != header_keys.end();
                 return !key.empty() && !is_header && fits_into_json(each.val);
               });
  msgpack::object rest;
  rest.type = msgpack::type::MAP;
  rest.via.map = {static_cast<std::uint32_t>(keys.size()), keys.data()};
  msgpack::sbuffer buffer;
  msgpack::pack(buffer, rest);
  return {std::string{type}, {buffer.data(), buffer.size()}};
}

template <std::size_t I = 0>
void read_content(const msgpack::object& o, std::string_view type, event::content& out) {
  if constexpr (I + 1 < std::variant_size_v<event::content>) {
    using alternative = std::variant_alternative_t<I, event::content>;
    if (alternative::type == type)
      out = o.as<alternative>();
    else
      read_content<I + 1>(o, type, out);
  } else {
    if (type.empty())
      throw msgpack::type_error{};
    out = read_other(o, type);
  }
}

void append_keys(std::vector<msgpack::object_kv>& to, const msgpack::object& map) {
  to.insert(to.end(), map.via.map.ptr, map.via.map.ptr + map.via.map.size);
}

msgpack::object object_of(const auto& what, msgpack::zone& zone) {
  return msgpack::object(what, zone);
}

msgpack::object object_of(const other_event& what, msgpack::zone& zone) {
  return msgpack::unpack(zone, what.keys.data(), what.keys.size());
}

} // namespace

std::uint64_t rollout_of(const event& e) {
  if (const auto* step = std::get_if<rollout_step>(&e.what))
    return step->rollout;
  const auto* end = std::get_if<rollout_finished>(&e.what);
  return end ? end->rollout : 0;
}

std::string_view type_of(const event& e) {
  return std::visit([](const auto& what) -> std::string_view { return what.type; }, e.what);
}

} // namespace deployminator::messages

namespace msgpack {
MSGPACK_API_VERSION_NAMESPACE(MSGPACK_DEFAULT_API_NS) {
  namespace adaptor {

  using namespace deployminator::messages;

  const msgpack::object& convert<event>::operator()(const msgpack::object& o, event& out) const {
    auto header = o.as<event_header>();
    out.seq = header.seq;
    out.time = header.time;
    out.namespace_ = header.namespace_;
    out.group = header.group;
    out.version = header.version;
    read_content(o, header.type, out.what);
    return o;
  }

  void object_with_zone<event>::operator()(msgpack::object::with_zone& o, const event& e) const {
    // The first three keys of the header are always there, the group's only where there is one.
    event_header header{e.seq, e.time, std::string{type_of(e)}, e.namespace_, e.group, e.version};
    std::vector<msgpack::object_kv> keys;
    append_keys(keys, msgpack::object(header, o.zone));
    if (e.group.empty())
      keys.resize(3);
    std::visit([&](const auto& what) { append_keys(keys, object_of(what, o.zone)); }, e.what);
    auto bytes = sizeof(msgpack::object_kv) * keys.size();
    auto* copy = static_cast<msgpack::object_kv*>(
      o.zone.allocate_align(bytes, MSGPACK_ZONE_ALIGNOF(msgpack::object_kv)));
    std::uninitialized_copy(keys.begin(), keys.end(), copy);
    o.type = msgpack::type::MAP;
    o.via.map.ptr = copy;
    o.via.map.size = static_cast<std::uint32_t>(keys.size());
  }

  } // namespace adaptor
}
} // namespace msgpack
