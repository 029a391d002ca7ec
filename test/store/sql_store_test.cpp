#include "store/migrations.hpp"
#include "store/sql_store.hpp"
#include "test/store/fresh_database.hpp"

#include <doctest/doctest.h>
#include <fmt/format.h>

#include <algorithm>

using namespace deployminator;
using namespace deployminator::test;

namespace {

std::unique_ptr<store::sql_store> store_over(std::unique_ptr<store::connection> db,
                                             const store::retention& keep) {
  store::migrate(*db);
  return std::make_unique<store::sql_store>(std::move(db), keep);
}

messages::change steps(std::size_t count, std::size_t bytes = 10) {
  messages::change c;
  for (std::size_t i = 0; i < count; ++i)
    c.events.push_back(
      {0, {1}, "", "", 0, messages::rollout_step{"placed", std::string(bytes, 'x')}});
  return c;
}

} // namespace

TEST_CASE("the newest events are kept under their numbers, older ones dropped") {
  store::retention keep;
  keep.events = 10;
  keep.events_interval = 1;
  auto s = store_over(connection_to_empty_database(), keep);
  REQUIRE(s->begin_epoch());
  REQUIRE(s->commit(1, steps(7)));
  CHECK(s->events_after(0, 100)->size() == 7);
  REQUIRE(s->commit(2, steps(7)));
  auto kept = s->events_after(0, 100);
  REQUIRE(kept);
  REQUIRE(kept->size() == 10);
  CHECK(kept->front().seq == 5);
  CHECK(kept->back().seq == 14);
  CHECK(*s->commit(3, steps(25)) == 39);
  CHECK(s->events_after(0, 100)->front().seq == 30);
  CHECK(s->load()->last_event == 39);
}

TEST_CASE("the newest receipts are kept, whatever the clock says") {
  store::retention keep;
  keep.receipts = 3;
  auto s = store_over(connection_to_empty_database(), keep);
  REQUIRE(s->begin_epoch());
  for (std::uint64_t number = 1; number <= 5; ++number) {
    messages::change c;
    // The clock runs backwards.
    c.receipts.push_back({.id = fmt::format("order-{}", number),
                          .time = {static_cast<std::int64_t>(1'000'000 * (9 - number))},
                          .seq = number});
    REQUIRE(s->commit(number, c));
  }
  auto f = s->load();
  REQUIRE(f);
  std::vector<std::string> kept;
  for (const auto& [id, each] : f->receipts)
    kept.push_back(id);
  CHECK(kept == std::vector<std::string>{"order-3", "order-4", "order-5"});
}

TEST_CASE("older receipts are dropped while the server runs") {
  auto d = fresh_database();
  store::retention keep;
  keep.receipts = 3;
  keep.receipts_interval = 5;
  auto s = store_over(connection_to(d), keep);
  REQUIRE(s->begin_epoch());
  auto count = [&] {
    auto db = connection_to(d);
    store::rows found{*db, "SELECT count(*) FROM client_order"};
    REQUIRE(found.next());
    return found.number(0);
  };
  for (std::uint64_t number = 1; number <= 9; ++number) {
    messages::change c;
    c.receipts.push_back({.id = fmt::format("order-{}", number), .seq = number});
    REQUIRE(s->commit(number, c));
    CHECK(count() <= 7);
  }
  CHECK(count() == 7);
}

TEST_CASE("older events are dropped now and then, never one of the newest") {
  auto d = fresh_database();
  store::retention keep;
  keep.events = 10;
  keep.events_interval = 8;
  auto s = store_over(connection_to(d), keep);
  REQUIRE(s->begin_epoch());
  for (std::uint64_t number = 1; number <= 60; ++number) {
    REQUIRE(s->commit(number, steps(1 + number % 3)));
    auto kept = s->events_after(0, 1000);
    REQUIRE(kept);
    CHECK(kept->size() >= std::min<std::uint64_t>(10, kept->back().seq));
    CHECK(kept->size() < 10 + 8 + 3);
  }
}
