#include "messages/codec.hpp"
#include "messages/event.hpp"
#include "test/messages/samples.hpp"

#include <doctest/doctest.h>

#include <rapidcheck.h>

using namespace deployminator::messages;

namespace {

/// The keys of the event's map, in their order.
std::vector<std::string> keys_of(const event& e) {
  auto bytes = to_bytes(e);
  auto handle = msgpack::unpack(bytes.data(), bytes.size());
  std::vector<std::string> keys;
  const auto& map = handle.get().via.map;
  for (std::uint32_t i = 0; i < map.size; ++i)
    keys.push_back(map.ptr[i].key.as<std::string>());
  return keys;
}

} // namespace

TEST_CASE("an event is one flat map") {
  event e{4, {5}, "ns", "g", 6, rollout_step{"starting", "because"}};
  CHECK(keys_of(e)
        == std::vector<std::string>{"seq", "time", "type", "namespace", "group", "version", "phase",
                                    "reason", "rollout", "by"});
}

TEST_CASE("an event about no group leaves the group's keys out") {
  event e{4, {5}, "", "", 0, machine_change{"m1"}};
  CHECK(keys_of(e)
        == std::vector<std::string>{"seq", "time", "type", "machine", "from", "to", "reason"});
}

TEST_CASE("events of any content are read back as they were") {
  CHECK(rc::check([] {
    auto e = samples::any_event();
    RC_ASSERT(from_bytes<event>(to_bytes(e)) == e);
  }));
}

TEST_CASE("an event of a type that is not known yet is kept with its number and its keys") {
  msgpack::sbuffer buffer;
  msgpack::packer packer{buffer};
  packer.pack_map(5);
  packer.pack("wind").pack_array(2).pack(3).pack("north");
  packer.pack("seq").pack(7);
  packer.pack("type").pack("weather.changed");
  packer.pack("group").pack("g");
  packer.pack("odd").pack_map(1).pack(1).pack(2);
  auto e = from_bytes<event>({buffer.data(), buffer.size()});
  CHECK(e.seq == 7);
  CHECK(e.group == "g");
  CHECK(type_of(e) == "weather.changed");
  CHECK(from_bytes<event>(to_bytes(e)) == e);
  CHECK(
    keys_of(e)
    == std::vector<std::string>{"seq", "time", "type", "namespace", "group", "version", "wind"});
}

TEST_CASE("an event without a type is refused") {
  msgpack::sbuffer buffer;
  msgpack::packer packer{buffer};
  packer.pack_map(1);
  packer.pack("seq").pack(7);
  CHECK_THROWS_AS(from_bytes<event>({buffer.data(), buffer.size()}), msgpack::type_error);
}

TEST_CASE("an event is called by what happened") {
  CHECK(type_of(event{1, {}, "", "", 0, download_progress{}}) == "download.progress");
  CHECK(type_of(event{1, {}, "", "", 0, rollout_finished{}}) == "rollout.finished");
}
