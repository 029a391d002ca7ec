#include "messages/codec.hpp"
#include "messages/digest.hpp"
#include "test/messages/samples.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <rapidcheck.h>

using namespace deployminator::messages;

namespace {

/// The definition in README.md ("Digests"), for other languages: FNV-1a over the fields, each with
/// a zero byte after it.
std::uint64_t defined_digest(const std::vector<std::string>& fields) {
  std::uint64_t hash = 0xcbf29ce484222325;
  for (const auto& field : fields)
    for (char each : std::string(field.c_str(), field.size() + 1)) {
      auto byte = static_cast<unsigned char>(each);
      hash ^= byte;
      hash *= 0x100000001b3;
    }
  return hash;
}

instance_spec entry(std::string id, std::uint64_t revision) {
  instance_spec out;
  out.id = std::move(id);
  out.revision = revision;
  return out;
}

observation seen_ready() {
  return {"web-1",
          instance_state::ready,
          true,
          "",
          4711,
          1000,
          {4100, 4101},
          2,
          *timestamp_from_text("2026-01-31T09:30:00.000001Z"),
          *timestamp_from_text("2026-01-31T09:30:05.000001Z"),
          std::nullopt,
          "",
          ""};
}

observation seen_failed() {
  observation out;
  out.id = "web-1";
  out.state = instance_state::failed;
  out.exit = 137;
  out.reason = "out of memory";
  out.output = "x\n";
  return out;
}

/// The map of `value` with a key more, such as a newer peer sends it.
template <class T>
std::string with_another_key(const T& value) {
  auto bytes = to_bytes(value);
  auto handle = unpack_within_limits(bytes);
  const auto& map = handle.get().via.map;
  msgpack::sbuffer buffer;
  msgpack::packer packer{buffer};
  packer.pack_map(map.size + 1);
  packer.pack("colour").pack(std::vector<int>{1, 2});
  for (std::uint32_t i = 0; i < map.size; ++i)
    packer.pack(map.ptr[i].key).pack(map.ptr[i].val);
  return {buffer.data(), buffer.size()};
}

} // namespace

TEST_CASE("the digest of an assignment is what README.md says") {
  CHECK(digest_of_entry("web-1", 7) == 115853018807120042U);
  CHECK(digest_of(std::vector{entry("web-1", 7), entry("web-2", 9)}) == 11801510690748115185U);
  CHECK(rc::check([] {
    auto id = samples::any_text();
    auto revision = *rc::gen::arbitrary<std::uint64_t>();
    RC_ASSERT(digest_of_entry(id, revision) == defined_digest({id, std::to_string(revision)}));
  }));
}

TEST_CASE("the digest of what is observed is what README.md says") {
  CHECK(digest_of(seen_ready()) == 13538518242608704980U);
  CHECK(
    digest_of(seen_ready())
    == defined_digest({"web-1", "ready", "true", "", "4711", "1000", "4100,4101", "2",
                       "2026-01-31T09:30:00.000001Z", "2026-01-31T09:30:05.000001Z", "", "", ""}));
  CHECK(digest_of(seen_failed()) == 11007576184273857744U);
  CHECK(digest_of(seen_failed())
        == defined_digest({"web-1", "failed", "false", "", "0", "0", "", "0", "", "", "137",
                           "out of memory", "x\n"}));
}

TEST_CASE("the digest of nothing is 0") {
  CHECK(digest_of(std::vector<instance_spec>{}) == 0);
  CHECK(digest_of(std::vector<observation>{}) == 0);
}

TEST_CASE("a digest depends on the set, not on its order") {
  CHECK(rc::check([] {
    auto specs = samples::any_list<instance_spec>(samples::any_spec);
    auto observations = samples::any_list<observation>(samples::any_observation);
    auto digest = digest_of(specs);
    auto observed = digest_of(observations);
    std::reverse(specs.begin(), specs.end());
    std::reverse(observations.begin(), observations.end());
    RC_ASSERT(digest_of(specs) == digest);
    RC_ASSERT(digest_of(observations) == observed);
  }));
}

TEST_CASE("a digest tells sets apart") {
  auto a = entry("a", 1);
  auto b = entry("b", 2);
  CHECK(digest_of(std::vector{a, b}) != digest_of(std::vector{a}));
  CHECK(digest_of(std::vector{a}) != digest_of(std::vector{entry("a", 2)}));
  CHECK(digest_of(std::vector{entry("a", 2), entry("b", 1)}) != digest_of(std::vector{a, b}));
  CHECK(digest_of(std::vector{entry("a1", 1)}) != digest_of(std::vector{entry("a", 11)}));
}

TEST_CASE("every key of an observation counts") {
  auto seen = seen_ready();
  std::vector<observation> others(13, seen);
  others[0].id = "web-2";
  others[1].state = instance_state::running;
  others[2].fetched = false;
  others[3].sha256 = "a";
  others[4].pid = 1;
  others[5].uid = 1;
  others[6].ports = {4101, 4100};
  others[7].restarts = 1;
  others[8].started_at = {};
  others[9].ready_at = {};
  others[10].exit = 0;
  others[11].reason = "x";
  others[12].output = "x";
  for (std::size_t i = 0; i < others.size(); ++i)
    CHECK_MESSAGE(digest_of(others[i]) != digest_of(seen), i);
}

TEST_CASE("keys that a reader does not know do not change a digest") {
  CHECK(rc::check([] {
    auto spec = samples::any_spec();
    auto read = from_bytes<instance_spec>(with_another_key(spec));
    RC_ASSERT(digest_of(std::vector{read}) == digest_of(std::vector{spec}));
    auto seen = samples::any_observation();
    RC_ASSERT(digest_of(from_bytes<observation>(with_another_key(seen))) == digest_of(seen));
  }));
}
