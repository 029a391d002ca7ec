#include "agent/linux/record_log.hpp"
#include "test/agent/linux/machine.hpp"

#include <doctest/doctest.h>

#include <csignal>
#include <filesystem>
#include <rapidcheck.h>

#include <sys/resource.h>

using namespace deployminator::agent;
using namespace deployminator::agent::testing;

namespace {

instance_record record_of(const std::string& id, std::uint32_t restarts) {
  instance_record out;
  out.id = id;
  out.restarts = restarts;
  out.exit = 137;
  return out;
}

/// Makes any change to an instance, in the log and in what it should say.
void change_one(record_log& log, record_log::records& expected) {
  auto id = std::string(1, *rc::gen::inRange('a', 'e'));
  if (*rc::gen::inRange(0, 4) == 0) {
    RC_ASSERT(log.remove(id));
    expected.erase(id);
    return;
  }
  auto record = record_of(id, *rc::gen::arbitrary<std::uint32_t>());
  RC_ASSERT(log.save(record));
  expected[id] = record;
}

} // namespace

TEST_CASE("a log that does not exist says nothing, and is made by the first change") {
  scratch root;
  record_log log{root / "records"};
  CHECK(log.read()->empty());
  CHECK(log.remove("never"));
  CHECK(log.save(record_of("a", 1)));
  CHECK(log.read()->at("a") == record_of("a", 1));
}

TEST_CASE("wherever the writing was broken off, all whole changes before it are there") {
  CHECK(rc::check([] {
    scratch root;
    auto path = root / "records";
    record_log::records expected;
    std::vector<std::pair<std::size_t, record_log::records>> after{{0, expected}};
    {
      record_log log{path};
      for (auto changes = *rc::gen::inRange(1, 8); changes > 0; --changes) {
        change_one(log, expected);
        if (std::filesystem::exists(path))
          after.emplace_back(std::filesystem::file_size(path), expected);
      }
    }
    auto whole = content(path);
    auto kept = *rc::gen::inRange<std::size_t>(0, whole.size() + 1);
    auto garbage = *rc::gen::element<std::string>("", "0000", std::string(40, '\0'), "00000001x");
    std::filesystem::remove(path);
    write(path, whole.substr(0, kept) + garbage);
    for (const auto& [size, all] : after)
      if (size <= kept)
        expected = all;
    record_log again{path};
    RC_ASSERT(*again.read() == expected);
    change_one(again, expected);
    change_one(again, expected);
    RC_ASSERT(*again.read() == expected);
    RC_ASSERT(*record_log{path}.read() == expected);
  }));
}

TEST_CASE("the file does not grow without end") {
  scratch root;
  record_log log{root / "records"};
  for (std::uint32_t n = 1; n <= 20'000; ++n)
    REQUIRE(log.save(record_of(n % 2 ? "a" : "b", n)));
  CHECK(std::filesystem::file_size(root / "records") < 1024 * 1024);
  record_log next{root / "records"};
  CHECK(*next.read()
        == record_log::records{{"a", record_of("a", 19'999)}, {"b", record_of("b", 20'000)}});
}

TEST_CASE("a change that finds no room leaves those before it, and may be repeated") {
  scratch root;
  record_log log{root / "records"};
  REQUIRE(log.save(record_of("a", 1)));
  auto before = std::signal(SIGXFSZ, SIG_IGN);
  rlimit usual{};
  REQUIRE(getrlimit(RLIMIT_FSIZE, &usual) == 0);
  rlimit tight{std::filesystem::file_size(root / "records") + 9, usual.rlim_max};
  REQUIRE(setrlimit(RLIMIT_FSIZE, &tight) == 0);
  auto failed = log.save(record_of("b", 2));
  REQUIRE(setrlimit(RLIMIT_FSIZE, &usual) == 0);
  std::signal(SIGXFSZ, before);
  REQUIRE_FALSE(failed);
  CHECK(failed.error().message.starts_with("cannot write " + (root / "records") + ": "));
  CHECK(*record_log{root / "records"}.read() == record_log::records{{"a", record_of("a", 1)}});
  CHECK(log.save(record_of("b", 2)));
  CHECK(log.read()->size() == 2);
}

TEST_CASE("a damaged change costs no other") {
  CHECK(rc::check([] {
    scratch root;
    auto path = root / "records";
    {
      record_log log{path};
      for (auto id : {"a", "b", "c", "d"})
        RC_ASSERT(log.save(record_of(id, 1)));
    }
    auto bytes = content(path);
    auto at = *rc::gen::inRange<std::size_t>(0, bytes.size());
    bytes[at] = static_cast<char>(bytes[at] ^ *rc::gen::inRange(1, 256));
    write(path, bytes);
    record_log again{path};
    auto found = again.read();
    RC_ASSERT(found);
    // A letter's case in a checksum or length may change without a difference.
    RC_ASSERT(found->size() >= 3u);
    RC_ASSERT(again.save(record_of("e", 1)));
    RC_ASSERT(again.read()->size() == found->size() + 1);
  }));
}

TEST_CASE("a file of something else holds no records, and is one again with the first change") {
  scratch root;
  write(root / "records", std::string(5000, 'x'));
  record_log log{root / "records"};
  CHECK(log.read()->empty());
  CHECK(log.save(record_of("a", 1)));
  CHECK(log.read()->size() == 1);
}

TEST_CASE(
  "what somebody removes, cuts or replaces under an agent is whole again with its next change") {
  scratch root;
  record_log log{root / "records"};
  REQUIRE(log.save(record_of("a", 1)));
  SUBCASE("removed") {
    std::filesystem::remove(root / "records");
  }
  SUBCASE("cut") {
    std::filesystem::resize_file(root / "records", 10);
  }
  SUBCASE("replaced") {
    write(root / "other", "something else");
    std::filesystem::rename(root / "other", root / "records");
  }
  REQUIRE(log.save(record_of("b", 2)));
  CHECK(*record_log{root / "records"}.read()
        == record_log::records{{"a", record_of("a", 1)}, {"b", record_of("b", 2)}});
}

TEST_CASE("a directory in its place is no log") {
  scratch root;
  std::filesystem::create_directory(root / "records");
  record_log log{root / "records"};
  CHECK_FALSE(log.read());
  CHECK_FALSE(log.save(record_of("a", 1)));
}
