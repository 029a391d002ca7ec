#include "actors/decisions/order.hpp"
#include "actors/decisions/rollout.hpp"
#include "test/actors/decisions/small_farm.hpp"

#include <doctest/doctest.h>

#include <algorithm>

using namespace deployminator;
using namespace deployminator::actors;
using namespace deployminator::messages;

namespace {

/// Makes the group's newest version the deployed one, as a rollout that went well does.
void finish_rollout(small_farm& farm) {
  for (auto& [id, each] : farm.state.instances) {
    each.goal = instance_goal::run;
    each.seen.fetched = true;
    each.seen.state = instance_state::ready;
  }
  farm.state.rollouts.at(1).phase = rollout_phase::starting;
  rollout_decision all_ready;
  all_ready.phase = rollout_phase::stopping_old;
  all_ready.reason = "ready";
  farm.make(carry_out(farm.state, 1, all_ready, farm.now()));
  rollout_decision over;
  over.finished = rollout_outcome::succeeded;
  farm.make(carry_out(farm.state, 1, over, farm.now()));
  auto deployed = farm.state.groups.at(1).deployed_version;
  std::erase_if(farm.state.instances,
                [&](const auto& each) { return each.second.version_id != deployed; });
}

std::vector<rollout_finished> outcomes_in(const change& c) {
  std::vector<rollout_finished> out;
  for (const auto& each : c.events)
    if (const auto* finished = std::get_if<rollout_finished>(&each.what))
      out.push_back(*finished);
  return out;
}

ordered order_build(small_farm& farm, std::uint64_t build) {
  auto app = small_farm::web(2);
  auto request = placement_request_for(farm.state, farm.reachable, "shop/web", 0, app);
  submit_build order;
  order.order_id = fmt::format("again-{}", build);
  order.build = build;
  return deploy_build(farm.state, order, {{"shop", "web", {{app, *place_spread(*request)}}}},
                      farm.now());
}

} // namespace

TEST_CASE("a build makes a version with applications, instances to fetch and a receipt") {
  small_farm farm{2};
  auto version = farm.deploy(small_farm::web(3), 7);
  CHECK(farm.state.versions.at(version).build == 7);
  CHECK(farm.state.versions.at(version).applications.at(0).id == 1);
  CHECK(farm.wanted(version).size() == 3);
  CHECK(farm.state.rollouts.at(1).phase == rollout_phase::fetching);
  CHECK(farm.state.orders.at("order-7").versions.at(0).version == version);
}

TEST_CASE("instance ids are file names that say what they are") {
  small_farm farm{1};
  auto app = small_farm::web(2);
  app.name = "dist/My Server";
  auto version = farm.deploy(app, 1);
  auto list = farm.wanted(version);
  REQUIRE(list.size() == 2);
  CHECK(list[0].id != list[1].id);
  for (const auto& each : list) {
    CHECK(each.id.starts_with("my-server-"));
    CHECK(each.id.find_first_not_of("abcdefghijklmnopqrstuvwxyz0123456789-") == std::string::npos);
  }
}

TEST_CASE("a receipt tells after which event the order's own begin") {
  small_farm farm{1};
  farm.deploy(small_farm::web(1), 1);
  auto before = farm.state.last_event;
  CHECK(before > 0);
  CHECK(order_build(farm, 2).receipt.seq == before);
}

TEST_CASE("a newer build supersedes one that is rolling out and stops what that started") {
  small_farm farm{2};
  auto first = farm.deploy(small_farm::web(2), 1);
  auto next = order_build(farm, 2);
  auto outcomes = outcomes_in(next.what);
  REQUIRE(outcomes.size() == 1);
  CHECK(outcomes[0].outcome == rollout_outcome::superseded);
  farm.make(next.what);
  CHECK(farm.wanted(first).empty());
  CHECK(farm.state.versions.at(first).state == version_state::superseded);
  CHECK(farm.state.rollouts.at(1).version_id == next.receipt.versions.at(0).version);
}

TEST_CASE("a rollout whose instances are all ready has succeeded when a newer one comes") {
  small_farm farm{2};
  farm.deploy(small_farm::web(2), 1);
  farm.state.rollouts.at(1).phase = rollout_phase::stopping_old;
  auto outcomes = outcomes_in(order_build(farm, 2).what);
  REQUIRE(outcomes.size() == 1);
  CHECK(outcomes[0].outcome == rollout_outcome::succeeded);
}

TEST_CASE("a rollout that is undeployed has not succeeded, though all was ready") {
  small_farm farm{2};
  farm.deploy(small_farm::web(2), 1);
  farm.state.rollouts.at(1).phase = rollout_phase::stopping_old;
  auto order = undeploy_group(farm.state, {"o", "shop", "web"}, farm.now());
  REQUIRE(order);
  auto outcomes = outcomes_in(order->what);
  REQUIRE(outcomes.size() == 1);
  CHECK(outcomes[0].outcome == rollout_outcome::superseded);
}

TEST_CASE("rollback goes to the version that was deployed before") {
  small_farm farm{2};
  auto first = farm.deploy(small_farm::web(2), 1);
  finish_rollout(farm);
  auto broken = farm.deploy(small_farm::web(2), 2);
  rollout_decision undo{{}, {}, rollout_phase::stopping_new, {}, "it failed"};
  farm.make(carry_out(farm.state, 1, undo, farm.now()));
  farm.make(
    carry_out(farm.state, 1, {{}, {}, {}, rollout_outcome::failed, "it failed"}, farm.now()));
  std::erase_if(farm.state.instances,
                [&](const auto& each) { return each.second.version_id == broken; });
  auto third = farm.deploy(small_farm::web(2), 3);
  finish_rollout(farm);
  CHECK(farm.state.groups.at(1).deployed_version == third);
  auto target = version_to_roll_to(farm.state, {"o", "shop", "web", 0});
  REQUIRE(target);
  CHECK(target->id == first);
}

TEST_CASE("rollback while a version is rolling out goes to the deployed one") {
  small_farm farm{2};
  farm.deploy(small_farm::web(2), 1);
  finish_rollout(farm);
  auto second = farm.deploy(small_farm::web(2), 2);
  finish_rollout(farm);
  farm.deploy(small_farm::web(2), 3);
  auto target = version_to_roll_to(farm.state, {"o", "shop", "web", 0});
  REQUIRE(target);
  CHECK(target->id == second);
  auto& r = farm.state.rollouts.at(1);
  r.phase = rollout_phase::stopping_new;
  CHECK_FALSE(version_to_roll_to(farm.state, {"o", "shop", "web", 0}));
}

TEST_CASE("orders that make no sense are refused with what there is") {
  small_farm farm{1};
  auto nothing = version_to_roll_to(farm.state, {"o", "shop", "web", 0});
  REQUIRE_FALSE(nothing);
  CHECK(nothing.error().message == "there is no group shop/web");
  auto version = farm.deploy(small_farm::web(1), 1);
  finish_rollout(farm);
  auto same = version_to_roll_to(farm.state, {"o", "shop", "web", version});
  REQUIRE_FALSE(same);
  CHECK(same.error().message == "version 1 of shop/web is deployed already");
  CHECK(version_to_roll_to(farm.state, {"o", "shop", "web", 0}).error().code
        == failure_code::refused);
  CHECK(version_to_roll_to(farm.state, {"o", "shop", "web", 99}).error().code
        == failure_code::not_found);
}

TEST_CASE("instances on a machine that left their groups stop once the others are ready") {
  small_farm farm{2};
  auto version = farm.deploy(small_farm::web(2), 1);
  finish_rollout(farm);
  const auto& deployed = farm.state.versions.at(version);
  const auto& app = deployed.applications.at(0);
  CHECK_FALSE(has_misplaced(farm.state, deployed));
  CHECK(is_empty(stop_misplaced(farm.state, deployed, app, farm.now())));

  farm.state.machines.at("w1").groups = {"db"};
  CHECK(has_misplaced(farm.state, deployed));
  auto request = placement_request_for(farm.state, farm.reachable, "shop/web", version, app);
  REQUIRE(request);
  auto more = *place_spread(*request);
  CHECK(more.add == std::vector<std::string>{"w2"});
  farm.make(add_instances(farm.state, deployed, app, more, farm.now()));
  CHECK(is_empty(stop_misplaced(farm.state, deployed, app, farm.now())));

  for (auto& [id, each] : farm.state.instances)
    farm.obey(id);
  auto moved = stop_misplaced(farm.state, deployed, app, farm.now());
  REQUIRE(moved.instances.size() == 1);
  CHECK(moved.instances[0].machine == "w1");
  CHECK(moved.machines.at(0).generation == farm.state.machines.at("w1").generation + 1);
  REQUIRE(moved.events.size() == 1);
  auto why = std::get<rollout_step>(moved.events[0].what).reason;
  CHECK(why.find("on w1 stops: the machine is not in worker any more") != std::string::npos);
  farm.make(moved);
  CHECK_FALSE(has_misplaced(farm.state, deployed));
}

TEST_CASE("undeploy makes the group empty, and is refused when it is empty already") {
  small_farm farm{1};
  auto version = farm.deploy(small_farm::web(1), 1);
  finish_rollout(farm);
  auto done = undeploy_group(farm.state, {"o", "shop", "web"}, farm.now());
  REQUIRE(done);
  farm.make(done->what);
  CHECK(farm.state.groups.at(1).deployed_version == 0);
  CHECK(farm.state.versions.at(version).state == version_state::retired);
  farm.state.rollouts.clear();
  CHECK_FALSE(undeploy_group(farm.state, {"p", "shop", "web"}, farm.now()));
}
