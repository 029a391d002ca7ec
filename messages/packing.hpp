#pragma once

#include <msgpack.hpp>

#include <cstdint>

/// How a struct becomes a msgpack map and back.
///
/// MSGPACK_DEFINE_MAP below takes the place of the library's and means the same: unknown keys are
/// ignored, missing ones keep their defaults. The library's makes a tuple of all fields, twice, in
/// every file that includes the struct, packed there or not; this one costs compile time only where
/// a struct is packed or read, once for each type of field.
namespace deployminator::messages::packing {

/// Packs the keys and values that it is called with: a key, its value, a key, …
template <class Packer>
struct map_packer {
  Packer& to;

  void operator()(const auto&... keys_and_values) {
    to.pack_map(sizeof...(keys_and_values) / 2);
    (to.pack(keys_and_values), ...);
  }
};

/// Reads into the values that it is called with: a key, its value, a key, … Throws
/// `msgpack::type_error` where the object is no map, has a key that is no string, or a value that
/// is no such thing. The first of several equal keys counts.
class map_reader {
public:
  explicit map_reader(const msgpack::object& from);

  void operator()(auto&... keys_and_values) {
    (take(keys_and_values), ...);
  }

private:
  void take(const char* key);

  void take(auto& value) {
    if (found_ != nullptr)
      found_->convert(value);
  }

  const msgpack::object& from_;
  /// The value of the key taken last; null where the map has none.
  const msgpack::object* found_ = nullptr;
};

/// Makes a map object of the keys and values that it is called with: a key, its value, a key, …
class map_maker {
public:
  map_maker(msgpack::object& to, msgpack::zone& zone);

  void operator()(const auto&... keys_and_values) {
    reserve(sizeof...(keys_and_values) / 2);
    (add(keys_and_values), ...);
  }

private:
  void reserve(std::uint32_t size);
  void add(const char* key);

  void add(const auto& value) {
    to_.via.map.ptr[to_.via.map.size++].val = msgpack::object(value, zone_);
  }

  msgpack::object& to_;
  msgpack::zone& zone_;
};

} // namespace deployminator::messages::packing

// The default template arguments are there so that nothing is instantiated before it is called.
#undef MSGPACK_DEFINE_MAP
#define MSGPACK_DEFINE_MAP(...)                                                                    \
  template <class MsgpackPacker>                                                                   \
  void msgpack_pack(MsgpackPacker& msgpack_to) const {                                             \
    deployminator::messages::packing::map_packer<MsgpackPacker>{                                   \
      msgpack_to} MSGPACK_DEFINE_MAP_IMPL(__VA_ARGS__);                                            \
  }                                                                                                \
  template <class MsgpackReader = deployminator::messages::packing::map_reader>                    \
  void msgpack_unpack(const msgpack::object& msgpack_from) {                                       \
    MsgpackReader{msgpack_from} MSGPACK_DEFINE_MAP_IMPL(__VA_ARGS__);                              \
  }                                                                                                \
  template <class MsgpackMaker = deployminator::messages::packing::map_maker>                      \
  void msgpack_object(msgpack::object* msgpack_to, msgpack::zone& msgpack_zone) const {            \
    MsgpackMaker{*msgpack_to, msgpack_zone} MSGPACK_DEFINE_MAP_IMPL(__VA_ARGS__);                  \
  }
