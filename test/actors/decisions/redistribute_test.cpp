#include "test/actors/decisions/small_placing.hpp"

#include <doctest/doctest.h>
#include <fmt/format.h>

#include <algorithm>
#include <iostream>
#include <map>
#include <rapidcheck.h>
#include <set>

using namespace deployminator;
using namespace deployminator::actors;

namespace {

/// Many small questions cost little: 10,000, or as many as `RC_PARAMS` says.
template <class Property>
bool holds(Property property) {
  auto params = rc::detail::configuration().testParams;
  params.maxSuccess = std::max(params.maxSuccess, 10'000);
  rc::detail::TestMetadata metadata;
  auto found = rc::detail::checkTestable(property, metadata, params);
  rc::detail::printResultMessage(found, std::cerr);
  std::cerr << '\n';
  return found.template is<rc::detail::SuccessResult>();
}

const std::vector<std::string> group_names{"db", "web", "worker"};

std::vector<std::string> some_groups() {
  std::vector<std::string> out;
  for (const auto& each : group_names)
    if (*rc::gen::arbitrary<bool>())
      out.push_back(each);
  return out;
}

std::vector<standing_count> some_counts(const placing_question& q, std::uint64_t most) {
  std::vector<standing_count> out;
  for (const auto& app : q.wanted)
    for (const auto& machine : q.machines)
      if (*rc::gen::inRange(0, 3) == 0)
        out.push_back({app.name, machine.name, *rc::gen::inRange<std::uint64_t>(0, most)});
  return out;
}

/// Of three applications and four machines at most, so that everything can be tried.
placing_question small_question() {
  placing_question q;
  q.rules.even_out = *rc::gen::arbitrary<bool>();
  q.rules.overcommit_percent = *rc::gen::element<std::uint64_t>(0, 100);
  auto machines = *rc::gen::inRange(1, 5);
  for (int i = 0; i < machines; ++i)
    q.machines.push_back(
      {fmt::format("m{}", i), some_groups(),
       *rc::gen::weightedElement<machine_use>(
         {{6, machine_use::open}, {1, machine_use::closed}, {1, machine_use::leaving}}),
       *rc::gen::inRange<std::uint64_t>(0, 4) * 100});
  auto applications = *rc::gen::inRange(1, 4);
  for (int i = 0; i < applications; ++i) {
    auto groups = some_groups();
    groups.push_back(*rc::gen::elementOf(group_names));
    q.wanted.push_back({.name = fmt::format("a{}", i),
                        .count = *rc::gen::inRange<std::uint64_t>(0, 5),
                        .at_most = *rc::gen::inRange<std::uint64_t>(0, 3),
                        .machine_groups = groups,
                        .machine_names = {},
                        .memory_mb = 100});
  }
  q.current = some_counts(q, 3);
  q.pending = some_counts(q, 2);
  return q;
}

/// Anything that may be asked.
placing_question any_question() {
  auto q = small_question();
  for (auto& each : q.wanted) {
    each.per_machine = *rc::gen::inRange(0, 4) == 0;
    each.packs = *rc::gen::inRange(0, 4) == 0;
    each.memory_mb = *rc::gen::inRange<std::uint64_t>(0, 4) * 50;
  }
  for (auto& each : q.machines)
    each.other_instances = *rc::gen::inRange<std::uint64_t>(0, 3);
  if (*rc::gen::arbitrary<bool>() && !q.wanted.empty())
    q.wanted.pop_back();
  return q;
}

/// For a property that fails.
std::string text_of(const placing_question& q) {
  std::string out
    = fmt::format("even_out {}, overcommit {}%\n", q.rules.even_out, q.rules.overcommit_percent);
  for (const auto& each : q.machines)
    out += fmt::format("{} [{}] use {}, {} MB, {} others\n", each.name, fmt::join(each.groups, ","),
                       static_cast<int>(each.use), each.memory_mb, each.other_instances);
  for (const auto& each : q.wanted)
    out += fmt::format("{}: {}{} at most {} [{}] {} MB{}\n", each.name, each.count,
                       each.per_machine ? " on each" : "", each.at_most,
                       fmt::join(each.machine_groups, ","), each.memory_mb,
                       each.packs ? ", packs" : "");
  for (const auto* counts : {&q.current, &q.pending})
    for (const auto& each : *counts)
      out += fmt::format("{} of {} on {}{}\n", each.count, each.application, each.machine,
                         counts == &q.pending ? ", pending" : "");
  for (const auto& app : q.answer())
    for (const auto& each : app.steps)
      out += fmt::format("-> {} {}: {} -> {}\n", each.count, app.name, each.from, each.to);
  return out;
}

std::vector<standing_count> carry_out(const placing_question& q) {
  return after_steps(q.there(), q.answer());
}

std::uint64_t limit_of(const wanted_application& app) {
  return app.per_machine ? std::min(placing_question::limit(app), app.count)
                         : placing_question::limit(app);
}

/// More of it are on machines out of reach than are wanted: which of them go is nobody's loss.
bool has_too_many_out_of_reach(const placing_question& q) {
  return std::any_of(q.wanted.begin(), q.wanted.end(), [&](const wanted_application& app) {
    std::uint64_t closed = 0;
    std::uint64_t all = 0;
    for (const auto& each : q.machines) {
      auto legal = q.legal(q.there(), app, each);
      all += legal;
      closed += each.use == machine_use::closed ? legal : 0;
    }
    return closed > 0 && all > app.count;
  });
}

/// Some machine has more than it has memory for, or may have: that is not undone where nothing else
/// takes it.
bool is_overfull(const placing_question& q) {
  auto grid = grid_of(q, q.there());
  for (std::size_t m = 0; m < q.machines.size(); ++m) {
    std::uint64_t memory = 0;
    for (std::size_t a = 0; a < q.wanted.size(); ++a) {
      memory += grid[a][m] * q.wanted[a].memory_mb;
      auto count = q.count(q.there(), q.wanted[a].name, q.machines[m].name);
      if (q.rules.overcommit_percent && count > limit_of(q.wanted[a]))
        return true;
    }
    if (memory > q.capacity(q.machines[m]))
      return true;
  }
  return false;
}

std::uint64_t placed_in_all(const std::vector<application_placement>& answer) {
  std::uint64_t out = 0;
  for (const auto& each : answer)
    out += each.placed;
  return out;
}

const application_placement& answer_for(const std::vector<application_placement>& answer,
                                        const std::string& name) {
  return *std::find_if(answer.begin(), answer.end(),
                       [&](const application_placement& each) { return each.name == name; });
}

} // namespace

TEST_CASE(
  "no legal placement of a small farm places more; none of as many moves less or is more even") {
  CHECK(holds([] {
    auto q = small_question();
    RC_PRE(!has_too_many_out_of_reach(q) && !is_overfull(q));
    auto found = grid_of(q, carry_out(q));
    every_placement tried{q, placed_of(found)};
    RC_LOG() << text_of(q);
    RC_ASSERT(score_of(q, found)[0] == tried.least_unplaced);
    RC_ASSERT(score_of(q, found) == tried.best);
  }));
}

TEST_CASE("what comes to a machine may be there") {
  CHECK(holds([] {
    auto q = any_question();
    RC_PRE(!is_overfull(q));
    RC_LOG() << text_of(q);
    auto after = carry_out(q);
    std::map<std::string, std::uint64_t> memory;
    std::set<std::string> taking;
    for (const auto& app : q.wanted) {
      for (const auto& placed : q.answer())
        for (const auto& step : placed.steps)
          if (placed.name == app.name && !step.to.empty()) {
            auto machine = std::find_if(q.machines.begin(), q.machines.end(),
                                        [&](const auto& each) { return each.name == step.to; });
            RC_ASSERT(machine->use == machine_use::open);
            RC_ASSERT(q.is_of_group(*machine, app));
            RC_ASSERT(q.count(after, app.name, step.to) <= limit_of(app));
            taking.insert(step.to);
          }
      for (const auto& each : q.machines)
        memory[each.name] += q.legal(after, app, each) * app.memory_mb;
    }
    for (const auto& each : q.machines)
      if (taking.contains(each.name))
        RC_ASSERT(memory[each.name] <= q.capacity(each));
  }));
}

TEST_CASE("the algorithm applied to its own result changes nothing") {
  CHECK(holds([] {
    auto q = any_question();
    RC_LOG() << text_of(q);
    q.current = carry_out(q);
    q.pending.clear();
    RC_LOG() << "then\n" << text_of(q);
    for (const auto& each : q.answer())
      RC_ASSERT(each.steps.empty());
  }));
}

TEST_CASE("the answer does not depend on the order of the question") {
  CHECK(holds([] {
    auto q = any_question();
    auto once = q.answer();
    for (auto* counts : {&q.current, &q.pending})
      std::reverse(counts->begin(), counts->end());
    std::reverse(q.wanted.begin(), q.wanted.end());
    std::reverse(q.machines.begin(), q.machines.end());
    for (auto& each : q.machines)
      std::reverse(each.groups.begin(), each.groups.end());
    RC_ASSERT(q.answer() == once);
  }));
}

TEST_CASE("nothing moves without a reason, and no reason is without a step") {
  CHECK(holds([] {
    auto q = any_question();
    auto there = q.there();
    for (const auto& placed : q.answer()) {
      auto app = std::find_if(q.wanted.begin(), q.wanted.end(),
                              [&](const auto& each) { return each.name == placed.name; });
      for (const auto& each : placed.steps) {
        RC_ASSERT(each.count > 0U);
        RC_ASSERT(each.from != each.to);
        RC_ASSERT(each.from.empty() || each.count <= q.count(there, placed.name, each.from));
        if (app != q.wanted.end())
          RC_ASSERT_FALSE(reason_of(*app, each).empty());
        if (!q.rules.even_out && q.rules.overcommit_percent == 0 && !each.to.empty())
          RC_ASSERT(each.cause < placement_cause::makes_room);
      }
      RC_ASSERT(placed.shortfall.empty() == (placed.placed == placed.wanted));
    }
  }));
}

TEST_CASE("a machine more never unplaces anything") {
  CHECK(holds([] {
    auto q = small_question();
    auto before = placed_in_all(q.answer());
    RC_LOG() << text_of(q);
    q.machines.push_back(
      {"m9", some_groups(), machine_use::open, *rc::gen::inRange<std::uint64_t>(0, 4) * 100});
    RC_ASSERT(placed_in_all(q.answer()) >= before);
  }));
}

TEST_CASE("without memory counted everything is placed as long as one machine takes it") {
  CHECK(holds([] {
    auto q = any_question();
    q.rules.overcommit_percent = 0;
    for (const auto& app : q.wanted) {
      bool somebody = std::any_of(q.machines.begin(), q.machines.end(), [&](const auto& each) {
        return each.use == machine_use::open && q.is_of_group(each, app);
      });
      auto answer = q.answer();
      const auto& placed = answer_for(answer, app.name);
      if (somebody && app.at_most == 0)
        RC_ASSERT(placed.placed == placed.wanted);
    }
  }));
}

TEST_CASE("2 on worker_a and 3 on worker_a or worker_b are told apart") {
  placing_question q;
  q.wanted = {{.name = "first",
               .count = 2,
               .machine_groups = {"worker_a"},
               .machine_names = {},
               .memory_mb = 10},
              {.name = "second",
               .count = 3,
               .machine_groups = {"worker_a", "worker_b"},
               .machine_names = {},
               .memory_mb = 10}};
  q.machines = {{"a1", {"worker_a"}, machine_use::open, 10},
                {"a2", {"worker_a"}, machine_use::open, 10},
                {"b1", {"worker_b"}, machine_use::open, 20},
                {"b2", {"worker_b"}, machine_use::open, 10}};
  q.rules.overcommit_percent = 100;
  // The second took what only the first can have.
  q.current = {{"second", "a1", 1}, {"second", "a2", 1}, {"second", "b1", 1}};
  auto answer = q.answer();
  CHECK(answer_for(answer, "first").placed == 2);
  CHECK(answer_for(answer, "second").placed == 3);
  const auto& moved = answer_for(answer, "second").steps;
  REQUIRE(moved.size() == 2);
  CHECK(reason_of(q.wanted[1], moved[0]) == "it makes room on a1 for what fits nowhere else");
  CHECK(moved[0].from == "a1");
  CHECK(moved[1].from == "a2");
}

TEST_CASE("who cannot be placed is told what is in the way") {
  placing_question q;
  q.wanted
    = {{.name = "one", .count = 5, .at_most = 1, .machine_groups = {"db"}, .machine_names = {}}};
  CHECK(q.answer()[0].shortfall == "0 of 5 placed: machine group db has no machine");
  q.machines = {{"d1", {"db"}}, {"d2", {"db"}}, {"w1", {"worker"}}};
  CHECK(q.answer()[0].shortfall
        == "2 of 5 placed: machine group db has 2 machines, with 1 on each at most");
  q.machines[1].use = machine_use::leaving;
  CHECK(
    q.answer()[0].shortfall
    == "1 of 5 placed: machine group db has 2 machines, 1 of which takes nothing new, with 1 on "
       "each at most");
  q.wanted[0].at_most = 0;
  q.wanted[0].memory_mb = 60;
  q.machines[0].memory_mb = 100;
  q.rules.overcommit_percent = 150;
  CHECK(
    q.answer()[0].shortfall
    == "2 of 5 placed: machine group db has 2 machines, 1 of which takes nothing new; 60 MB for "
       "another one are left on none of 1 machine");
}

TEST_CASE("instances of a machine that leaves go elsewhere, or stay where there is no other") {
  placing_question q;
  q.wanted = {{.name = "web", .count = 2, .machine_groups = {"worker"}, .machine_names = {}}};
  q.machines = {{"w1", {"worker"}, machine_use::leaving}, {"w2", {"worker"}}};
  q.current = {{"web", "w1", 1}, {"web", "w2", 1}};
  auto answer = q.answer();
  REQUIRE(answer[0].steps.size() == 1);
  CHECK(answer[0].steps[0].from == "w1");
  CHECK(answer[0].steps[0].to == "w2");
  CHECK(reason_of(q.wanted[0], answer[0].steps[0]) == "w1 is to be empty");
  q.machines[1].use = machine_use::closed;
  answer = q.answer();
  CHECK(answer[0].steps.empty());
  CHECK(answer[0].placed == 1);
}

TEST_CASE("what runs legally stays until evening out is asked for") {
  placing_question q;
  q.wanted = {{.name = "web", .count = 4, .machine_groups = {"worker"}, .machine_names = {}}};
  q.machines = {{"w1", {"worker"}}, {"w2", {"worker"}}};
  q.current = {{"web", "w1", 4}};
  CHECK(q.answer()[0].steps.empty());
  q.rules.even_out = true;
  auto answer = q.answer();
  REQUIRE(answer[0].steps.size() == 1);
  CHECK(answer[0].steps[0].count == 2);
  CHECK(reason_of(q.wanted[0], answer[0].steps[0]) == "w1 has 4 of it, w2 has 0");
}

TEST_CASE("what is on its way goes before what runs, where there are too many") {
  placing_question q;
  q.wanted = {{.name = "web", .count = 1, .machine_groups = {"worker"}, .machine_names = {}}};
  q.machines = {{"w1", {"worker"}}, {"w2", {"worker"}}};
  q.current = {{"web", "w1", 1}};
  q.pending = {{"web", "w2", 1}};
  CHECK(q.answer()[0].steps.at(0).from == "w2");
  std::swap(q.current, q.pending);
  CHECK(q.answer()[0].steps.at(0).from == "w1");
}

TEST_CASE("so many on each machine are as many as there are machines, and the rest goes") {
  placing_question q;
  q.wanted = {{.name = "web",
               .count = 2,
               .per_machine = true,
               .machine_groups = {"worker"},
               .machine_names = {}}};
  q.machines = {{"w1", {"worker"}}, {"w2", {"worker"}}, {"w3", {"worker"}, machine_use::closed}};
  q.current = {{"web", "w1", 3}, {"web", "w3", 1}};
  CHECK(carry_out(q)
        == std::vector<standing_count>{{"web", "w1", 2}, {"web", "w2", 2}, {"web", "w3", 1}});
}

TEST_CASE("an application may name its machines") {
  placing_question q;
  q.wanted = {{.name = "web", .count = 2, .machine_groups = {}, .machine_names = {"w2"}}};
  q.machines = {{"w1", {"worker"}}, {"w2", {"worker"}}};
  CHECK(carry_out(q) == std::vector<standing_count>{{"web", "w2", 2}});
}
