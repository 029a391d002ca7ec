#include "actors/decisions/tables.hpp"
#include "actors/decisions/turns.hpp"
#include "actors/decisions/upkeep.hpp"
#include "test/actors/decisions/rolling_farm.hpp"

#include <doctest/doctest.h>

using namespace deployminator::actors;
using namespace deployminator::messages;

namespace {

/// Groups with two instances each on the only machine, which two others join.
struct crowded_farm : small_farm {
  explicit crowded_farm(int groups) : small_farm(1) {
    for (int i = 1; i <= groups; ++i) {
      auto order = build_of({web(2)}, static_cast<std::uint64_t>(i));
      order.groups.front().name = fmt::format("g{:02}", i);
      give(order);
      while (!state.rollouts.empty())
        round();
    }
    add_machine("w2");
    add_machine("w3");
  }

  decided_order even_out() {
    return give(redistribute_farm{"even"});
  }

  /// UPKEEP looks at each group.
  void keep() {
    std::vector<std::uint64_t> groups;
    for (const auto& [group_id, row] : state.groups)
      groups.push_back(group_id);
    for (auto group_id : groups)
      make(
        decide_upkeep(state, group_id, plan_for(upkeep_wishes(state, group_id)), "a drain", now())
          .what);
  }

  /// Each rollout takes a step, and everybody obeys.
  void round() {
    std::vector<std::uint64_t> groups;
    for (const auto& [group_id, row] : state.rollouts)
      groups.push_back(group_id);
    for (auto group_id : groups) {
      rollout_view seen;
      apply(seen,
            news_for(state, present, group_id, members_of(state.rollouts.at(group_id)), true));
      rollout_clock clock;
      clock.look(seen, duration{0});
      make(carry_out(state, group_id, next_step(seen, clock), now()));
    }
    obey_all();
  }

  /// Of the moves, those that have begun.
  std::size_t count_begun() const {
    return static_cast<std::size_t>(std::ranges::count_if(state.rollouts, [](const auto& each) {
      return is_move(each.second) && each.second.phase != rollout_phase::fetching;
    }));
  }

  group_row status(const std::string& name) const {
    return answer(state, present, {query_subject::status, "shop", name, 0})->groups.at(0);
  }
};

constexpr int many = 25;

} // namespace

TEST_CASE("ten groups at most move at once, and all do in the end") {
  crowded_farm farm{many};
  CHECK(farm.even_out().kept.versions.size() == many);
  std::size_t most = 0;
  for (int i = 0; i < 100 && !farm.state.rollouts.empty(); ++i) {
    farm.round();
    most = std::max(most, farm.count_begun());
  }
  CHECK(most == most_moving_groups);
  CHECK(farm.state.rollouts.empty());
  CHECK(farm.state.instances.on_machine("w1").size() < many);
}

TEST_CASE("a move that waits says so") {
  crowded_farm farm{many};
  auto done = farm.even_out();
  auto steps = told<rollout_step>(done.what);
  CHECK(std::ranges::count(steps, "waiting", &rollout_step::phase) == many - 10);
  farm.round();
  farm.round();
  CHECK(farm.status("g10").rollout->reason.empty());
  REQUIRE(farm.status("g11").rollout);
  CHECK(farm.status("g11").rollout->phase == rollout_phase::fetching);
  CHECK(farm.status("g11").rollout->reason == "waits for its turn: 10 groups at most move at once");
}

TEST_CASE("a move that waits is given up without having begun, and one that is held is passed") {
  crowded_farm farm{12};
  farm.even_out();
  farm.round();
  farm.round();
  REQUIRE(farm.count_begun() == 10);
  CHECK(groups_that_wait(farm.state) == std::set<std::uint64_t>{11, 12});
  farm.give(pause_rollout{{"hold", "shop", "g01"}});
  CHECK(groups_that_wait(farm.state) == std::set<std::uint64_t>{12});
  CHECK(groups_to_begin(farm.state) == std::set<std::uint64_t>{11});
  auto old = farm.state.rollouts.at(12).leaving;
  farm.give(abort_rollout{{"stop", "shop", "g12"}});
  farm.round();
  farm.round();
  CHECK_FALSE(farm.state.rollouts.contains(12));
  for (const auto& id : old)
    CHECK(farm.state.instances.at(id).seen.state == instance_state::ready);
}

TEST_CASE("what waits to leave a machine stays on it when that takes instances again") {
  crowded_farm farm{12};
  farm.give(drain_machine{{"drain", "w1"}});
  farm.keep();
  farm.round();
  farm.round();
  REQUIRE(farm.count_begun() == 10);
  farm.give(undrain_machine{{"undrain", "w1"}});
  for (int i = 0; i < 20 && !farm.state.rollouts.empty(); ++i)
    farm.round();
  CHECK(farm.state.rollouts.empty());
  // Two groups with two instances each.
  CHECK(farm.state.instances.on_machine("w1").size() == 4);
}

TEST_CASE("what is no move waits for nobody") {
  crowded_farm farm{many};
  farm.even_out();
  auto order = small_farm::build_of({small_farm::web(1)}, 99);
  farm.give(order);
  auto group_id = farm.state.groups.rbegin()->first;
  CHECK_FALSE(groups_that_wait(farm.state).contains(group_id));
  for (int i = 0; i < 3; ++i)
    farm.round();
  CHECK(farm.state.rollouts.at(group_id).phase != rollout_phase::fetching);
}
