#include "messages/digest.hpp"
#include "messages/instance_table.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <rapidcheck.h>
#include <utility>

using namespace deployminator::messages;

namespace {

/// An instance over few ids, machines and groups, so that rows are often replaced and moved.
instance any_instance() {
  instance row;
  row.id = "i" + std::to_string(*rc::gen::inRange(0, 8));
  row.machine = "m" + std::to_string(*rc::gen::inRange(0, 3));
  row.group_id = *rc::gen::inRange<std::uint64_t>(1, 4);
  row.memory_mb = *rc::gen::inRange<std::uint64_t>(0, 100);
  row.goal = static_cast<instance_goal>(*rc::gen::inRange(0, 3));
  row.version_id = *rc::gen::inRange<std::uint64_t>(1, 4);
  row.revision = *rc::gen::inRange<std::uint64_t>(0, 4);
  return row;
}

void change_a_little(instance_table& table) {
  for (auto steps = *rc::gen::inRange(0, 12); steps > 0; --steps)
    if (*rc::gen::inRange(0, 3) == 0)
      table.erase("i" + std::to_string(*rc::gen::inRange(0, 8)));
    else
      table.put(any_instance());
}

/// The same table by another way: itself, a copy, one moved, one assigned over something else.
instance_table moved_about(instance_table table) {
  switch (*rc::gen::inRange(0, 5)) {
    case 0: {
      instance_table copy{table};
      return copy;
    }
    case 1: {
      instance_table target;
      change_a_little(target);
      target = table;
      return target;
    }
    case 2: {
      instance_table target;
      change_a_little(target);
      target = std::move(table);
      return target;
    }
    case 3: {
      auto& same = table;
      table = same;
      return table;
    }
    default:
      return table;
  }
}

/// The rows that match, found the long way.
template <class Matches>
std::vector<const instance*> walk(const instance_table& table, Matches matches) {
  std::vector<const instance*> found;
  for (const auto& [id, row] : table)
    if (matches(row))
      found.push_back(&row);
  return found;
}

/// The very rows of the table, in the order of their ids.
std::vector<const instance*> listed(const instance_set& set) {
  return {set.begin(), set.end()};
}

void check_against_a_walk(const instance_table& table) {
  for (int m = 0; m < 3; ++m) {
    auto machine = "m" + std::to_string(m);
    auto there = walk(table, [&](const instance& row) { return row.machine == machine; });
    RC_ASSERT(listed(table.on_machine(machine)) == there);
    machine_load load;
    for (const auto* row : there)
      if (row->goal != instance_goal::stop) {
        ++load.instances;
        load.memory_mb += row->memory_mb;
        load.digest += digest_of_entry(row->id, row->revision);
      }
    RC_ASSERT(table.load_of(machine).instances == load.instances);
    RC_ASSERT(table.load_of(machine).memory_mb == load.memory_mb);
    RC_ASSERT(table.load_of(machine).digest == load.digest);
    RC_ASSERT(listed(table.stopping_on(machine)) == walk(table, [&](const instance& row) {
                return row.machine == machine && row.goal == instance_goal::stop;
              }));
    for (std::uint64_t revision = 0; revision < 4; ++revision) {
      auto changed = table.changed_on(machine, revision);
      std::sort(changed.begin(), changed.end(), by_id{});
      RC_ASSERT(changed == walk(table, [&](const instance& row) {
                  return row.machine == machine && row.goal != instance_goal::stop
                         && row.revision > revision;
                }));
    }
  }
  for (std::uint64_t group = 1; group < 4; ++group)
    RC_ASSERT(listed(table.of_group(group))
              == walk(table, [&](const instance& row) { return row.group_id == group; }));
}

} // namespace

TEST_CASE("instances are found by machine and group as if all were walked") {
  CHECK(rc::check([] {
    instance_table table;
    for (int times = 0; times < 3; ++times) {
      change_a_little(table);
      auto before = walk(table, [](const instance&) { return true; });
      std::vector<instance> rows;
      for (const auto* each : before)
        rows.push_back(*each);
      table = moved_about(std::move(table));
      RC_ASSERT(table.size() == rows.size());
      for (const auto& each : rows)
        RC_ASSERT(table.at(each.id) == each);
      check_against_a_walk(table);
    }
  }));
}

TEST_CASE("a copy has rows of its own") {
  instance_table table;
  table.put({.id = "a", .group_id = 1, .machine = "m"});
  auto copy = table;
  copy.put({.id = "a", .group_id = 1, .machine = "n"});
  copy.put({.id = "b", .group_id = 1, .machine = "m"});
  CHECK(table.at("a").machine == "m");
  CHECK(listed(table.on_machine("m")) == std::vector{&table.at("a")});
  CHECK(listed(copy.on_machine("m")) == std::vector{&copy.at("b")});
}

TEST_CASE("a row stays where it is when its content is replaced") {
  instance_table table;
  table.put({.id = "a", .group_id = 1, .machine = "m"});
  const auto* row = &table.at("a");
  table.put({.id = "b", .group_id = 1, .machine = "m"});
  table.put({.id = "a", .group_id = 2, .machine = "n"});
  table.erase("b");
  CHECK(&table.at("a") == row);
  CHECK(row->machine == "n");
}

TEST_CASE("where there is nothing, nothing is found and nothing is asked") {
  instance_table table;
  CHECK(table.on_machine("m").empty());
  CHECK(table.of_group(1).empty());
  CHECK(table.load_of("m").instances == 0);
  table.erase("nobody");
  CHECK(table.empty());
}

TEST_CASE("tables are equal when their rows are") {
  instance_table table;
  instance_table other;
  table.put({.id = "a"});
  table.put({.id = "b"});
  other.put({.id = "b"});
  CHECK_FALSE(table == other);
  other.put({.id = "a"});
  CHECK(table == other);
}
