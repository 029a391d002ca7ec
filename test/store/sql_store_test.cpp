#include "store/error.hpp"
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

/// Another connection whose next commits are made, or not, without an answer.
class mute_connection final : public store::connection {
public:
  explicit mute_connection(std::unique_ptr<store::connection> real) : real_(std::move(real)) {}

  /// How many commits are not answered.
  int mute_commits = 0;
  /// Whether they are made.
  bool makes_them = true;
  /// From the next one that is not answered on nothing can be begun.
  bool is_away_then = false;

  const std::string& name() const override {
    return real_->name();
  }
  store::table_words words() const override {
    return real_->words();
  }
  std::string_view now() const override {
    return real_->now();
  }
  std::vector<std::string> tables() override {
    return real_->tables();
  }
  void settle() override {
    real_->settle();
  }
  store::statement& prepare(std::string_view sql) override {
    return real_->prepare(sql);
  }
  void begin(store::scope what) override {
    if (is_away_)
      throw store::store_error({messages::failure_code::unreachable, "cannot be reached", ""});
    real_->begin(what);
  }
  void commit() override {
    if (mute_commits == 0)
      return real_->commit();
    --mute_commits;
    if (makes_them)
      real_->commit();
    is_away_ = is_away_then;
    throw store::store_error({messages::failure_code::unreachable, "nobody knows", ""},
                             store::remedy::unknown_outcome);
  }
  void rollback() noexcept override {
    real_->rollback();
  }

private:
  std::unique_ptr<store::connection> real_;
  bool is_away_ = false;
};

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

TEST_CASE(
  "the events that are kept take no more bytes than the bound, whatever becomes of a commit") {
  auto d = fresh_database();
  store::retention keep;
  keep.events = 40;
  keep.event_bytes = 60'000;
  keep.events_interval = 1;
  auto bytes = [&] {
    auto db = connection_to(d);
    store::rows found{*db, "SELECT CAST(SUM(LENGTH(content)) AS SIGNED) FROM event"};
    REQUIRE(found.next());
    return found.number(0);
  };
  std::uint64_t total = 0;
  for (auto round = 1; round <= 2; ++round) {
    auto s = store_over(connection_to(d), keep);
    REQUIRE(s->begin_epoch());
    for (std::uint64_t number = 1; number <= 60; ++number) {
      auto each = number % 7 == 0 ? 9'000 : number % 3 * 700;
      auto some = 1 + number % 3;
      total += some;
      // Told twice, as after an answer that was lost.
      REQUIRE(s->commit(number, steps(some, each)));
      REQUIRE(s->commit(number, steps(some, each)));
      auto kept = s->events_after(0, 1000);
      REQUIRE(kept);
      CHECK(bytes() <= 60'000);
      // No more is dropped than has to be.
      if (total > 40 && kept->size() < 40)
        CHECK(bytes() > 60'000 - 9'500);
      CHECK(kept->back().seq == total);
    }
    REQUIRE(s->give_up_lead());
  }
}

TEST_CASE("an event that is larger than the bound is kept while it is the newest") {
  store::retention keep;
  keep.event_bytes = 1'000;
  keep.events_interval = 1;
  auto s = store_over(connection_to_empty_database(), keep);
  REQUIRE(s->begin_epoch());
  REQUIRE(s->commit(1, steps(3)));
  REQUIRE(s->commit(2, steps(1, 5'000)));
  CHECK(s->events_after(0, 100)->size() == 1);
  REQUIRE(s->commit(3, steps(1)));
  CHECK(s->events_after(0, 100)->front().seq == 5);
}

TEST_CASE("events older than the bound are dropped, but for the newest, whatever the clock says") {
  store::retention keep;
  keep.event_age = std::chrono::seconds{10};
  keep.sure_events = 3;
  keep.events_interval = 1;
  auto s = store_over(connection_to_empty_database(), keep);
  REQUIRE(s->begin_epoch());
  std::uint64_t number = 0;
  auto tell_at = [&](std::int64_t second) {
    auto c = steps(1);
    c.events[0].time = {second * 1'000'000};
    REQUIRE(s->commit(++number, c));
  };
  auto first = [&] { return s->events_after(0, 100)->front().seq; };
  for (auto second : {0, 1, 2, 3, 12, 13})
    tell_at(second);
  CHECK(first() == 4);
  // One that is late by its clock stays with those around it.
  for (auto second : {14, 2, 15, 22, 24})
    tell_at(second);
  CHECK(first() == 7);
  // A clock that is far ahead for a while.
  tell_at(1'000'000);
  CHECK(first() == 10);
  for (auto second : {25, 26, 27})
    tell_at(second);
  CHECK(s->events_after(0, 100)->back().seq == 15);
  CHECK(first() == 10);
}

TEST_CASE("a change whose commit is not answered is made once, be it made or not") {
  for (bool is_made : {true, false}) {
    CAPTURE(is_made);
    auto db = std::make_unique<mute_connection>(connection_to_empty_database());
    auto& mute = *db;
    auto s = store_over(std::move(db), {});
    REQUIRE(s->begin_epoch());
    mute.mute_commits = 1;
    mute.makes_them = is_made;
    CHECK(*s->commit(1, steps(3)) == 3);
    CHECK(*s->commit(2, steps(1)) == 4);
    CHECK(s->events_after(0, 100)->size() == 4);
  }
}

TEST_CASE("while nobody can say whether a change was made, the failure says so") {
  auto db = std::make_unique<mute_connection>(connection_to_empty_database());
  auto& mute = *db;
  auto s = store_over(std::move(db), {});
  REQUIRE(s->begin_epoch());
  mute.mute_commits = 1;
  mute.is_away_then = true;
  CHECK(s->commit(1, steps(3)).error().message == "nobody knows");
  CHECK(s->commit(1, steps(3)).error().message == "cannot be reached");
}
