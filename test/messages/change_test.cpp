#include "messages/change.hpp"

#include <doctest/doctest.h>

#include <rapidcheck.h>

using namespace deployminator::messages;

namespace {

/// A change over few ids, so that two of them often touch the same rows.
change any_change() {
  auto id = [] { return *rc::gen::inRange<std::uint64_t>(1, 4); };
  auto some = [] { return *rc::gen::inRange(0, 3); };
  change c;
  for (int i = some(); i > 0; --i)
    c.groups.push_back({id(), "ns", "g", id(), id()});
  for (int i = some(); i > 0; --i) {
    version v{id(), id()};
    v.applications.resize(1);
    v.applications[0].id = id();
    c.versions.push_back(v);
  }
  for (int i = some(); i > 0; --i)
    c.instances.push_back({"i" + std::to_string(id()), id()});
  for (int i = some(); i > 0; --i)
    c.machines.push_back({"m" + std::to_string(id()), std::to_string(id())});
  for (int i = some(); i > 0; --i)
    c.rollouts.push_back({id(), id()});
  for (int i = some(); i > 0; --i)
    c.orders.push_back({std::to_string(id()), {{"ns", "g", id()}}});
  c.events.resize(*rc::gen::inRange<std::size_t>(0, 3));
  // A change puts a row or takes it, not both.
  for (int i = some(); i > 0; --i) {
    auto gone = "i" + std::to_string(id());
    std::erase_if(c.instances, [&](const instance& each) { return each.id == gone; });
    c.gone_instances.push_back(gone);
    auto finished = id();
    std::erase_if(c.rollouts, [&](const rollout& each) { return each.group_id == finished; });
    c.finished_rollouts.push_back(finished);
  }
  return c;
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
  c.instances = {{"i1", 1}, {"i2", 1}};
  c.events.resize(2);
  apply(f, c);
  change next;
  next.instances = {{"i1", 2}};
  next.gone_instances = {"i2", "never there"};
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

TEST_CASE("applying two changes joined is applying both in turn") {
  CHECK(rc::check([] {
    farm in_turn;
    apply(in_turn, any_change());
    farm joined = in_turn;
    auto first = any_change();
    auto second = any_change();
    apply(in_turn, first);
    apply(in_turn, second);
    append(first, second);
    apply(joined, first);
    RC_ASSERT(joined == in_turn);
  }));
}
