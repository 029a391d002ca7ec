#include <doctest/doctest.h>

#include <algorithm>
#include <rapidcheck.h>
#include <set>
#include <variant>

#include "simulation/farm.hpp"
#include "simulation/shrink.hpp"

using namespace deployminator::simulation;

TEST_CASE("the same seed gives the same trace, another one another") {
  std::set<std::uint64_t> hashes;
  for (std::uint64_t seed = 1; seed <= 5; ++seed) {
    auto p = make_plan(seed, 5);
    auto first = run(p);
    CHECK(first.trace_hash == run(p).trace_hash);
    hashes.insert(first.trace_hash);
  }
  CHECK(hashes.size() == 5);
}

TEST_CASE("a plan is drawn within its bounds") {
  CHECK(rc::check([](std::uint64_t seed) {
    auto p = make_plan(seed);
    RC_ASSERT(p.machines.size() >= 5U);
    RC_ASSERT(p.machines.size() <= 50U);
    RC_ASSERT(p.end >= 10min);
    for (const auto& each : p.faults)
      RC_ASSERT(each.at + each.lasts <= p.calm);
    for (const auto& each : p.orders) {
      bool lets_go_on
        = std::holds_alternative<deployminator::messages::promote_rollout>(each.body)
          || std::holds_alternative<deployminator::messages::resume_rollout>(each.body);
      RC_ASSERT(each.at < p.calm || (lets_go_on && each.at < p.end - 3min));
    }
  }));
}

TEST_CASE("a plan is shrunk to the faults that matter") {
  CHECK(rc::check([](std::uint64_t seed) {
    auto p = make_plan(seed, 5);
    std::set<std::uint32_t> matter;
    for (const auto& each : p.faults)
      if (*rc::gen::arbitrary<bool>() && matter.size() < 3)
        matter.insert(each.number);
    auto small = shrink(p, [&](const plan& fewer) {
      return std::all_of(matter.begin(), matter.end(), [&](std::uint32_t number) {
        return std::any_of(fewer.faults.begin(), fewer.faults.end(),
                           [&](const fault& f) { return f.number == number; });
      });
    });
    std::set<std::uint32_t> left;
    for (const auto& each : small.faults)
      left.insert(each.number);
    RC_ASSERT(left == matter);
  }));
}
