#include "messages/change.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <iterator>
#include <rapidcheck.h>
#include <set>
#include <tuple>

using namespace deployminator::messages;

namespace {

std::uint64_t any_id() {
  return *rc::gen::inRange<std::uint64_t>(1, 4);
}

/// Zero to two rows.
template <class Row, class Make>
void add_some(std::vector<Row>& rows, Make make) {
  for (auto n = *rc::gen::inRange(0, 3); n > 0; --n)
    rows.push_back(make());
}

/// Its applications are always the same.
version any_version() {
  version v;
  v.id = any_id();
  v.last_deployed = any_id();
  v.applications.resize(1);
  v.applications[0].id = v.id;
  return v;
}

std::string any_name(char kind) {
  std::string out(1, kind);
  return out.append(std::to_string(any_id()));
}

instance any_instance() {
  return {.id = any_name('i'), .version_id = any_id(), .group_id = any_id()};
}

/// A change over few ids, so that two of them often touch the same rows. A change puts a row or
/// takes it, not both.
change any_change() {
  change c;
  add_some(c.groups, [] { return group{any_id(), "ns", "g", any_id()}; });
  add_some(c.versions, any_version);
  add_some(c.instances, any_instance);
  add_some(c.machines, [] { return machine{any_name('m'), std::to_string(any_id())}; });
  add_some(c.rollouts, [] { return rollout{.group_id = any_id(), .id = any_id()}; });
  add_some(c.receipts, [] { return receipt{.id = std::to_string(any_id()), .seq = any_id()}; });
  add_some(c.events, [] { return event{0, {*rc::gen::inRange(1, 100)}}; });
  add_some(c.gone_instances, [] { return gone_instance{any_name('i'), any_id()}; });
  for (const auto& gone : c.gone_instances)
    std::erase_if(c.instances, [&](const instance& each) { return each.id == gone.id; });
  add_some(c.finished_rollouts, [] { return finished_rollout{any_id()}; });
  for (const auto& end : c.finished_rollouts)
    std::erase_if(c.rollouts, [&](const rollout& each) { return each.group_id == end.group_id; });
  return c;
}

/// Whether no two rows have the same key; `rows` may be of two kinds that share their keys.
template <class Key, class... Rows>
bool are_different(Key key, const std::vector<Rows>&... rows) {
  std::set<decltype(key(std::get<0>(std::tie(rows...)).front()))> keys;
  (std::transform(rows.begin(), rows.end(), std::inserter(keys, keys.end()), key), ...);
  return keys.size() == (rows.size() + ...);
}

} // namespace

TEST_CASE("a change is empty until there is something in it") {
  CHECK(is_empty(change{}));
  change c;
  c.events.resize(1);
  CHECK_FALSE(is_empty(c));
}

TEST_CASE("rows are put, replaced and taken, and events counted") {
  farm f;
  change c;
  c.instances = {{.id = "i1", .version_id = 1}, {.id = "i2", .version_id = 1}};
  c.events.resize(2);
  apply(f, c);
  change next;
  next.instances = {{.id = "i1", .version_id = 2}};
  next.gone_instances = {{"i2"}, {"never there"}};
  next.events.resize(1);
  apply(f, next);
  CHECK(f.instances.size() == 1);
  CHECK(f.instances.at("i1").version_id == 2);
  CHECK(f.last_event == 3);
}

TEST_CASE("the highest application id is remembered") {
  farm f;
  change c;
  c.versions.resize(1);
  c.versions[0].applications.resize(2);
  c.versions[0].applications[0].id = 9;
  c.versions[0].applications[1].id = 4;
  apply(f, c);
  CHECK(f.last_application == 9);
}

TEST_CASE("of the receipts the newest are kept, by their place among the events") {
  farm f;
  constexpr std::uint64_t orders = 3 * kept_receipts;
  for (std::uint64_t seq = 1; seq <= orders; ++seq) {
    change c;
    c.receipts = {{.id = std::to_string(seq), .seq = seq}};
    apply(f, c);
  }
  CHECK(f.receipts.size() >= kept_receipts);
  CHECK(f.receipts.size() < kept_receipts + kept_receipts / 10);
  CHECK(f.receipts.contains(std::to_string(orders)));
  CHECK(f.receipts.contains(std::to_string(orders - kept_receipts + 1)));
  CHECK_FALSE(f.receipts.contains("1"));
}

TEST_CASE("applying the sum of changes is applying all of them in turn") {
  CHECK(rc::check([] {
    farm in_turn;
    apply(in_turn, any_change());
    auto at_once = in_turn;
    std::vector<change> parts;
    add_some(parts, any_change);
    add_some(parts, any_change);
    for (const auto& each : parts)
      apply(in_turn, each);
    apply(at_once, sum_of(parts));
    RC_ASSERT(at_once == in_turn);
  }));
}

TEST_CASE("the sum of changes has every event, in their order") {
  CHECK(rc::check([] {
    std::vector<change> parts;
    add_some(parts, any_change);
    add_some(parts, any_change);
    std::vector<event> all;
    for (const auto& each : parts)
      all.insert(all.end(), each.events.begin(), each.events.end());
    RC_ASSERT(sum_of(parts).events == all);
  }));
}

TEST_CASE("in the sum of changes each row is put or taken once") {
  CHECK(rc::check([] {
    auto sum = sum_of({any_change(), any_change(), any_change()});
    auto id = [](const auto& row) { return row.id; };
    RC_ASSERT(are_different(id, sum.groups));
    RC_ASSERT(are_different(id, sum.versions));
    RC_ASSERT(are_different(id, sum.instances, sum.gone_instances));
    RC_ASSERT(are_different([](const machine& row) { return row.name; }, sum.machines));
    RC_ASSERT(are_different([](const auto& row) { return row.group_id; }, sum.rollouts,
                            sum.finished_rollouts));
  }));
}

TEST_CASE("the sum of nothing is nothing") {
  CHECK(is_empty(sum_of({})));
  CHECK(is_empty(sum_of({change{}, change{}})));
}
