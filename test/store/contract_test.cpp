#include "test/store/change_generator.hpp"
#include "test/store/fresh_database.hpp"

#include <doctest/doctest.h>

#include <limits>
#include <rapidcheck.h>
#include <stdexcept>

using namespace deployminator;
using namespace deployminator::test;
using namespace deployminator::messages;

namespace {

template <class T>
const T& value(const result<T>& r) {
  if (!r)
    throw std::runtime_error(r.error().message);
  return *r;
}

/// What the store holds when every change was made: the model it is compared with.
struct model {
  farm all;
  std::vector<event> events;

  void make(const change& c) {
    apply(all, c);
    for (auto each : c.events) {
      each.seq = events.size() + 1;
      events.push_back(each);
    }
  }
};

change events_only(std::size_t count) {
  change c;
  for (std::size_t i = 0; i < count; ++i)
    c.events.push_back({0, {1'000'000}, "", "", 0, rollout_step{"placed", std::to_string(i)}});
  return c;
}

change machine_only(const std::string& name) {
  change c;
  c.machines.push_back({name, "identity", {"worker"}, 1000, "0.1", {1}, 1});
  return c;
}

void check_that_changes_are_kept() {
  auto db = fresh_database();
  auto s = opened(db.url);
  value(s->begin_epoch());
  model expected;
  expected.all.store_id = value(s->load()).store_id;
  RC_ASSERT(expected.all.store_id.size() == 32);
  std::uint64_t number = 0;
  for (auto changes = *rc::gen::inRange(1, 8); changes > 0; --changes) {
    auto c = any_change(expected.all);
    expected.make(c);
    RC_ASSERT(value(s->commit(++number, c)) == expected.all.last_event);
    if (*rc::gen::inRange(0, 4) == 0) {
      s = opened(db.url);
      value(s->begin_epoch());
      number = 0;
    }
  }
  RC_ASSERT(value(s->load()) == expected.all);
  s = opened(db.url);
  value(s->begin_epoch());
  RC_ASSERT(value(s->load()) == expected.all);
  RC_ASSERT(value(s->events_after(0, 1000)) == expected.events);
}

} // namespace

TEST_CASE("a farm that was committed in random changes is loaded equal, also after reopening") {
  CHECK(rc::check(check_that_changes_are_kept));
}

TEST_CASE("a change that is repeated is made once") {
  auto db = fresh_database();
  auto s = opened(db.url);
  value(s->begin_epoch());
  CHECK(value(s->commit(1, events_only(2))) == 2);
  CHECK(value(s->commit(2, events_only(3))) == 5);
  CHECK(value(s->commit(2, events_only(3))) == 5);
  CHECK(value(s->events_after(0, 100)).size() == 5);
  auto late = s->commit(1, events_only(1));
  REQUIRE_FALSE(late);
  CHECK(late.error().code == failure_code::internal);
  CHECK(value(s->events_after(0, 100)).size() == 5);
}

TEST_CASE("a new epoch ends the older server's commits") {
  auto db = fresh_database();
  auto first = opened(db.url);
  CHECK_FALSE(first->commit(1, machine_only("too-early")));
  auto epoch = value(first->begin_epoch());
  value(first->commit(1, machine_only("a")));

  auto second = opened(db.url);
  CHECK(first->renew_lead());
  CHECK(value(second->begin_epoch()) == epoch + 1);
  CHECK(second->renew_lead());
  auto lost = first->renew_lead();
  REQUIRE_FALSE(lost);
  CHECK(lost.error().code == failure_code::refused);
  auto events = first->events_after(0, 10);
  REQUIRE_FALSE(events);
  CHECK(events.error().code == failure_code::refused);
  CHECK(second->events_after(0, 10));
  auto stale = first->commit(2, machine_only("b"));
  REQUIRE_FALSE(stale);
  CHECK(stale.error().code == failure_code::refused);
  CHECK(
    stale.error().message.find("another server has taken over (epoch " + std::to_string(epoch + 1))
    != std::string::npos);

  // The numbers count anew in an epoch.
  value(second->commit(1, machine_only("c")));
  auto now = value(second->load());
  CHECK(now.machines.count("a") == 1);
  CHECK(now.machines.count("b") == 0);
  CHECK(now.machines.count("c") == 1);
}

TEST_CASE("events are numbered densely and read page by page") {
  auto db = fresh_database();
  auto s = opened(db.url);
  CHECK(value(s->events_after(0, 10)).empty());
  value(s->begin_epoch());
  value(s->commit(1, events_only(5)));
  auto some = value(s->events_after(1, 3));
  REQUIRE(some.size() == 3);
  CHECK(some.front().seq == 2);
  CHECK(some.back().seq == 4);
  auto highest = std::numeric_limits<std::uint64_t>::max();
  CHECK(value(s->events_after(3, highest)).size() == 2);
  CHECK(value(s->events_after(5, 10)).empty());
  CHECK(value(s->events_after(highest, 10)).empty());
}

/// Half of such a change could be made: the machine. None of it may be.
TEST_CASE("a change that does not fit is not made in part") {
  auto db = fresh_database();
  auto s = opened(db.url);
  value(s->begin_epoch());
  value(s->commit(1, machine_only("a")));
  auto before = value(s->load());
  auto broken = machine_only("b");
  broken.events = events_only(2).events;
  broken.rollouts.push_back({.group_id = 77});
  auto refused = s->commit(2, broken);
  REQUIRE_FALSE(refused);
  CHECK(refused.error().code == failure_code::internal);
  CHECK(value(s->load()) == before);
  CHECK(value(s->events_after(0, 10)).empty());
  CHECK(value(s->commit(2, events_only(1))) == 1);
}
