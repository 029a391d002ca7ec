#include "store/copy_store.hpp"
#include "store/migrations.hpp"
#include "test/store/change_generator.hpp"
#include "test/store/fresh_database.hpp"
#include "test/store/temporary_directory.hpp"

#include <doctest/doctest.h>
#include <fmt/format.h>

#include <algorithm>
#include <rapidcheck.h>

using namespace deployminator;
using namespace deployminator::test;
using messages::failure_code;

namespace {

/// A store of SQLite, whatever the other one is.
struct sqlite_file {
  temporary_directory directory;
  std::string url = "sqlite:" + directory.file("store.db");
};

messages::change some_events(std::size_t count) {
  messages::change c;
  for (std::size_t i = 0; i < count; ++i)
    c.events.push_back({0, {1}, "", "", 0, messages::rollout_step{"placed", std::to_string(i)}});
  return c;
}

void fill(const std::string& url, const std::vector<messages::change>& changes) {
  auto s = opened(url);
  REQUIRE(s->begin_epoch());
  std::uint64_t number = 0;
  for (const auto& each : changes)
    REQUIRE(s->commit(++number, each));
}

messages::failure refusal(const std::string& from, const std::string& to) {
  auto copied = store::copy_store(from, to, {});
  REQUIRE_FALSE(copied);
  CHECK_FALSE(copied.error().hint.empty());
  return copied.error();
}

messages::farm loaded(const std::string& url) {
  return *opened(url)->load();
}

} // namespace

TEST_CASE("a store is copied there and back, and nothing is different") {
  CHECK(rc::check([] {
    sqlite_file first, last;
    auto between = fresh_database();
    messages::farm f;
    std::vector<messages::change> changes;
    for (auto n = *rc::gen::inRange(0, 5); n > 0; --n) {
      changes.push_back(any_change(f));
      messages::apply(f, changes.back());
    }
    fill(first.url, changes);
    RC_ASSERT(store::copy_store(first.url, between.url, {}));
    RC_ASSERT(store::copy_store(between.url, last.url, {}));
    auto all = [](const std::string& url) { return *opened(url)->load(); };
    RC_ASSERT(all(first.url) == all(last.url));
    RC_ASSERT(all(first.url) == all(between.url));
    auto copy = opened(last.url), original = opened(first.url);
    // It goes on after the original's epoch, so agents obey the copy.
    auto epoch = copy->begin_epoch();
    RC_ASSERT(*epoch == 2U);
    RC_ASSERT(*original->begin_epoch() == 2U);
    RC_ASSERT(*copy->events_after(0, 1000) == *original->events_after(0, 1000));
  }));
}

TEST_CASE("a copy tells how many rows each table has") {
  sqlite_file from;
  auto to = fresh_database();
  fill(from.url, {some_events(700)});
  auto copied = store::copy_store(from.url, to.url, {});
  REQUIRE(copied);
  auto events = std::find_if(copied->begin(), copied->end(),
                             [](const auto& each) { return each.name == "event"; });
  REQUIRE(events != copied->end());
  CHECK(events->rows == 700);
  // Every table is copied, those of later schemas as well, but `schema_version` and `server`.
  auto tables = connection_to(to)->tables();
  CHECK(copied->size() + 2 == tables.size());
}

TEST_CASE("a store is not copied onto another one, nor one that is not there") {
  sqlite_file from;
  auto to = fresh_database();
  fill(from.url, {some_events(1)});
  fill(to.url, {});
  auto before = loaded(to.url);
  CHECK(refusal(from.url, to.url).message.find(to.name + " has a store already")
        != std::string::npos);
  CHECK(loaded(to.url) == before);
  sqlite_file missing;
  CHECK(refusal(missing.url, from.url).code == failure_code::not_found);
}

TEST_CASE("a store of another schema is brought to this one before it is copied") {
  auto from = fresh_database();
  fill(from.url, {});
  auto db = connection_to(from);
  store::run(*db, "UPDATE schema_version SET number = number + 100 WHERE number > 2");
  sqlite_file to;
  auto newest = store::all_migrations().back().number;
  auto told = fmt::format("has schema {}, expected {}", newest + 100, newest);
  CHECK(refusal(from.url, to.url).message.find(told) != std::string::npos);
  store::run(*db, "UPDATE schema_version SET number = number - 100 WHERE number > 100");
}
