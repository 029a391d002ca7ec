#include "actors/decisions/orders/order.hpp"
#include "test/actors/decisions/rolling_farm.hpp"

#include <doctest/doctest.h>
#include <fmt/format.h>

#include <algorithm>
#include <set>

using namespace deployminator;
using namespace deployminator::actors;
using namespace deployminator::messages;

namespace {

decided_order order_build(small_farm& farm, std::uint64_t build) {
  return farm.give(small_farm::build_of({small_farm::web(2)}, build));
}

} // namespace

TEST_CASE("a build makes a version with applications, instances to fetch and a receipt") {
  rolling_farm farm{2};
  auto done = farm.give(small_farm::build_of({small_farm::web(3)}, 7), 99);
  CHECK_FALSE(done.refused);
  auto version = done.kept.versions.at(0).version;
  CHECK(farm.state.versions.at(version).build == 7);
  CHECK(farm.state.versions.at(version).applications.at(0).id == 1);
  CHECK(farm.wanted(version).size() == 3);
  CHECK(farm.row().phase == rollout_phase::fetching);
  CHECK(farm.row().order_id == "order-7");
  CHECK(farm.row().purpose == "build 7 becomes version 1, in place of nothing");
  const auto& kept = farm.state.receipts.at("order-7");
  CHECK(kept.digest == 99);
  CHECK(kept.who == "somebody");
  CHECK(kept.time == farm.now().now);
  CHECK(kept.versions == std::vector<group_version>{{"shop", "web", version, farm.row().id}});
}

TEST_CASE("a new instance knows its group and what it is promised") {
  small_farm farm{1};
  auto app = small_farm::web(1);
  app.limits.max_memory_mb = 700;
  auto row = farm.wanted(farm.deploy(app, 1)).at(0);
  CHECK(row.group_id == 1);
  CHECK(row.memory_mb == 700);
  CHECK(row.seen.id == row.id);
  CHECK(row.goal == instance_goal::fetch);
  CHECK(farm.state.instances.load_of("w1").memory_mb == 700);
}

TEST_CASE("where the order names no repository the version has its applications' one") {
  small_farm farm{1};
  auto app = small_farm::web(1);
  app.repository = "shop/web";
  auto version = farm.deploy(app, 1);
  CHECK(farm.state.versions.at(version).repository == "shop/web");
}

TEST_CASE("a build of several groups begins a rollout of each, in one change") {
  small_farm farm{2};
  auto order = small_farm::build_of({small_farm::web(1)}, 1);
  order.groups.push_back({"shop", "blue", {small_farm::web(2)}});
  auto done = farm.give(order);
  REQUIRE(done.kept.versions.size() == 2);
  CHECK(farm.state.groups.size() == 2);
  CHECK(farm.state.rollouts.size() == 2);
  CHECK(done.kept.versions[1].group == "blue");
  CHECK(done.kept.versions[1].version == 2);
  CHECK(farm.wanted(2).size() == 2);
  for (const auto& [id, each] : farm.state.instances)
    CHECK(each.group_id == each.version_id);
}

TEST_CASE("a receipt tells after which event the order's own begin") {
  small_farm farm{1};
  farm.deploy(small_farm::web(1), 1);
  auto before = farm.state.last_event;
  CHECK(before > 0);
  CHECK(order_build(farm, 2).kept.seq == before);
}

TEST_CASE("what is decided and where instances go is told with the number of the rollout") {
  small_farm farm{2};
  readable_order order = small_farm::build_of({small_farm::web(2)}, 1);
  auto where = farm.plan_for(*needs(farm.state, order));
  auto c = decide(farm.state, farm.present, {}, {order, 1, {}, where}, farm.now(), 0).what;
  auto steps = told<rollout_step>(c);
  REQUIRE(steps.size() == 2);
  CHECK(steps[0].phase == "accepted");
  CHECK(steps[1].phase == "placed");
  CHECK(steps[1].reason
        == "web: 2 instances on w1, w2 (spread: the machines with the fewest instances)");
  for (const auto& each : steps)
    CHECK(each.rollout == c.rollouts.at(0).id);
}

TEST_CASE("a newer build supersedes one that is rolling out and stops what that started") {
  rolling_farm farm{2};
  auto first = farm.deploy(small_farm::web(2), 1);
  auto old = farm.row();
  auto next = order_build(farm, 2);
  CHECK(farm.wanted(first).empty());
  CHECK(farm.state.versions.at(first).state == version_state::superseded);
  CHECK(farm.row().to == next.kept.versions.at(0).version);
  CHECK(farm.row().id > old.id);
  // What is superseded leaves with the new rollout, whose end waits for it.
  for (const auto& id : old.coming)
    CHECK(std::count(farm.row().leaving.begin(), farm.row().leaving.end(), id) == 1);
}

namespace {

/// How the group's rollout ends when this order comes.
rollout_finished end_by(rolling_farm& farm, const readable_order& order) {
  auto wishes = needs(farm.state, order);
  REQUIRE(wishes);
  auto c
    = decide(farm.state, farm.present, {}, {order, 1, {}, farm.plan_for(*wishes)}, farm.now(), 0)
        .what;
  auto ends = told<rollout_finished>(c);
  REQUIRE(ends.size() == 1);
  CHECK(ends[0].rollout == farm.row().id);
  return ends[0];
}

const build_to_deploy& next_build() {
  static const auto order = small_farm::build_of({small_farm::web(2)}, 2);
  return order;
}

} // namespace

TEST_CASE("a rollout that is under way is superseded by a newer build") {
  rolling_farm farm{2};
  farm.deploy(small_farm::web(2), 1);
  auto end = end_by(farm, next_build());
  CHECK(end.outcome == rollout_outcome::superseded);
  CHECK(end.reason == "superseded by version 2");
}

TEST_CASE("a rollout whose instances are all ready has succeeded when a newer one comes") {
  rolling_farm farm{2};
  auto version = farm.deploy(small_farm::web(2), 1);
  farm.roll_to(rollout_phase::stopping_old);
  CHECK(end_by(farm, next_build()).outcome == rollout_outcome::succeeded);
  farm.give(next_build());
  CHECK(farm.state.versions.at(version).state == version_state::deployed);
  CHECK(farm.ready_count(version) == 2);
}

TEST_CASE("a version without instances that is deployed stays so when a newer build comes") {
  rolling_farm farm{2};
  farm.deploy(small_farm::web(2), 1);
  farm.roll_to_the_end();
  auto version = farm.give(small_farm::build_of({small_farm::web(0)}, 7)).kept.versions[0].version;
  farm.step();
  farm.step();
  REQUIRE(farm.row().phase == rollout_phase::stopping_old);
  REQUIRE(farm.group().deployed_version == version);
  CHECK(end_by(farm, next_build()).outcome == rollout_outcome::succeeded);
  farm.give(next_build());
  CHECK(farm.state.versions.at(version).state == version_state::deployed);
}

TEST_CASE("a rollout that is being undone has failed when a newer build comes") {
  rolling_farm farm{2};
  farm.deploy(small_farm::web(2), 1);
  farm.obey_all();
  farm.step();
  farm.fail(farm.ids().front());
  farm.step();
  REQUIRE(farm.row().phase == rollout_phase::stopping_new);
  auto end = end_by(farm, next_build());
  CHECK(end.outcome == rollout_outcome::failed);
  CHECK(end.reason == farm.row().failure);
}

TEST_CASE("instances that an upkeep has proven stay when a build supersedes it, others go") {
  rolling_farm farm{3};
  auto version = farm.deploy(small_farm::web(1), 1);
  farm.roll_to_the_end();
  edit c{farm.state, farm.now()};
  rollout r;
  r.group_id = 1;
  r.to = version;
  r.each_alone = true;
  begin_rollout(c, r);
  for (const auto* machine : {"w1", "w2"})
    place_on(c, farm.group(), farm.state.versions.at(version).applications[0], machine);
  farm.make(std::move(c).done());
  auto coming = farm.row().coming;
  farm.change_seen(coming[0], [](observation& seen) { seen.state = instance_state::ready; });
  farm.give(next_build());
  CHECK(farm.state.instances.at(coming[0]).goal != instance_goal::stop);
  CHECK(farm.state.instances.at(coming[1]).goal == instance_goal::stop);
  CHECK(farm.state.versions.at(version).state == version_state::deployed);
}

TEST_CASE("an application that was stopped on purpose gets no instances of a new version either") {
  rolling_farm farm{1};
  farm.deploy(small_farm::web(1), 1);
  farm.roll_to_the_end();
  farm.state.groups.at(1).stopped = {"web"};
  auto done = order_build(farm, 2);
  CHECK_FALSE(done.refused);
  CHECK(farm.wanted(done.kept.versions[0].version).empty());
}

TEST_CASE("a build that cannot be placed is refused and changes nothing") {
  small_farm farm{1};
  farm.present.leave("w1");
  auto before = farm.state;
  auto done = order_build(farm, 1);
  REQUIRE(done.refused);
  CHECK(done.refused->message
        == "shop/web/web cannot be placed: all 1 machines of worker are out of reach");
  CHECK(is_empty(done.what));
  CHECK(farm.state == before);
}

TEST_CASE("an order that is repeated gets its receipt and does nothing more") {
  small_farm farm{2};
  auto first = farm.give(small_farm::build_of({small_farm::web(2)}, 1), 5);
  auto before = farm.state;
  auto again = farm.give(small_farm::build_of({small_farm::web(2)}, 1), 5);
  CHECK(again.is_repeated);
  CHECK_FALSE(again.refused);
  CHECK(again.kept == first.kept);
  CHECK(farm.state == before);
}

TEST_CASE("another order under the id of one before is refused") {
  small_farm farm{2};
  farm.give(small_farm::build_of({small_farm::web(2)}, 1), 5);
  auto before = farm.state;
  auto other = farm.give(small_farm::build_of({small_farm::web(2)}, 1), 6);
  REQUIRE(other.refused);
  CHECK(other.refused->code == failure_code::mismatch);
  CHECK(other.refused->message == "another order was given under the order_id order-1 before");
  CHECK(farm.state == before);
}

TEST_CASE("an order whose plan is stale changes nothing and is not refused") {
  small_farm farm{1};
  readable_order order = small_farm::build_of({small_farm::web(1)}, 1);
  auto where = farm.plan_for(*needs(farm.state, order));
  farm.present.leave("w1");
  auto done = decide(farm.state, farm.present, {}, {order, 1, {}, where}, farm.now(), 0);
  CHECK(done.is_stale);
  CHECK_FALSE(done.refused);
  CHECK(is_empty(done.what));
}

TEST_CASE("a stale plan that could not be carried out is made anew before it is refused") {
  small_farm farm{1};
  farm.deploy(small_farm::web(1), 1);
  readable_order order = next_build();
  farm.present.leave("w1");
  auto where = farm.plan_for(*needs(farm.state, order));
  REQUIRE(first_failure(where));
  auto done = decide(farm.state, farm.present, {{1, 7}}, {order, 1, {}, where}, farm.now(), 0);
  CHECK(done.is_stale);
  CHECK_FALSE(done.refused);
}

// -- the same build again
// ---------------------------------------------------------------------------

namespace {

/// Deploys the application as build 7, under another order's id than before.
decided_order give_again(rolling_farm& farm, const application& app, std::uint64_t build = 7) {
  auto order = small_farm::build_of({app}, build);
  order.order.order_id = fmt::format("again-{}", farm.state.last_event);
  return farm.give(order);
}

std::set<std::string> ids_of(const std::vector<instance>& list) {
  std::set<std::string> out;
  for (const auto& each : list)
    out.insert(each.id);
  return out;
}

} // namespace

TEST_CASE("the same build with the same file again is the same version, and touches nothing") {
  rolling_farm farm{3};
  auto version = farm.deploy(small_farm::web(3), 7);
  farm.roll_to_the_end();
  auto before = farm.state.instances;
  auto again = give_again(farm, small_farm::web(3));
  CHECK(again.kept.versions.at(0).version == version);
  CHECK(farm.row().purpose
        == "unchanged: build 7 with this deploy.yaml is version 1, which is deployed and ready");
  farm.roll_to_the_end();
  CHECK_FALSE(farm.is_rolling());
  CHECK(farm.state.versions.size() == 1);
  CHECK(farm.state.instances == before);
  CHECK(farm.state.receipts.at(again.kept.id).ends.at(0).outcome == rollout_outcome::succeeded);
}

TEST_CASE("the same build again replaces what is not ready") {
  rolling_farm farm{3};
  auto first = farm.deploy(small_farm::web(3), 7);
  farm.roll_to_the_end();
  auto broken = farm.wanted(first).at(0).id;
  farm.fail(broken);
  auto second = give_again(farm, small_farm::web(3)).kept.versions.at(0).version;
  CHECK(second != first);
  CHECK(farm.row().leaving == std::vector<std::string>{broken});
  CHECK(farm.row().coming.size() == 1);
}

TEST_CASE("three instances that become four of the same build are kept") {
  rolling_farm farm{4};
  auto first = farm.deploy(small_farm::web(3), 7);
  farm.roll_to_the_end();
  auto three = ids_of(farm.wanted(first));
  auto second = give_again(farm, small_farm::web(4)).kept.versions.at(0).version;
  CHECK(farm.row().coming.size() == 1);
  CHECK(farm.row().leaving.empty());
  CHECK(farm.row().purpose
        == "build 7 becomes version 2, in place of version 1; 3 instances of it stay");
  SUBCASE("and are of the new version when the fourth is ready") {
    farm.roll_to_the_end();
    auto four = ids_of(farm.wanted(second));
    CHECK(four.size() == 4);
    CHECK(std::includes(four.begin(), four.end(), three.begin(), three.end()));
    CHECK(farm.state.instances.size() == 4);
    CHECK(farm.ready_count(second) == 4);
  }
  SUBCASE("and stay with the old one when the fourth fails") {
    farm.fail(farm.wanted(second).at(0).id);
    farm.roll_to_the_end();
    CHECK(ids_of(farm.wanted(first)) == three);
    CHECK(farm.group().deployed_version == first);
  }
  SUBCASE("and a rollback takes the fourth away alone") {
    farm.roll_to_the_end();
    farm.give(roll_to_version{"back", "shop", "web", 0});
    CHECK(farm.row().coming.empty());
    CHECK(farm.row().leaving.size() == 1);
    farm.roll_to_the_end();
    CHECK(farm.wanted(first).size() == 3);
    CHECK(farm.state.instances.size() == 3);
  }
}

TEST_CASE("of more instances than wanted those go of which a machine has most") {
  rolling_farm farm{3};
  farm.deploy(small_farm::web(4), 7);
  farm.roll_to_the_end();
  auto second = give_again(farm, small_farm::web(3)).kept.versions.at(0).version;
  CHECK(farm.row().coming.empty());
  CHECK(farm.row().leaving.size() == 1);
  farm.roll_to_the_end();
  std::set<std::string> machines;
  for (const auto& each : farm.wanted(second))
    machines.insert(each.machine);
  CHECK(machines.size() == 3);
}

TEST_CASE("what is started otherwise, or is another build, is replaced") {
  rolling_farm farm{3};
  farm.deploy(small_farm::web(3), 7);
  farm.roll_to_the_end();
  auto app = small_farm::web(3);
  auto build = 7U;
  SUBCASE("other arguments") {
    app.args = {"--more"};
  }
  SUBCASE("other bytes") {
    app.sha256 = std::string(64, 'a');
  }
  SUBCASE("another build of the same file") {
    build = 8;
  }
  SUBCASE("other machines") {
    app.machine_groups = {"db"};
    farm.add_machine("d1", {"db"});
  }
  give_again(farm, app, build);
  CHECK(farm.row().coming.size() == 3);
  CHECK(farm.row().leaving.size() == 3);
}

TEST_CASE("a version of the same build has the bytes that were pinned") {
  rolling_farm farm{4};
  auto first = farm.deploy(small_farm::web(3), 7);
  farm.roll_to_the_end();
  auto pinned = std::string(64, 'b');
  farm.state.versions.at(first).applications.at(0).sha256 = pinned;
  auto second = give_again(farm, small_farm::web(4)).kept.versions.at(0).version;
  CHECK(farm.state.versions.at(second).applications.at(0).sha256 == pinned);
}

TEST_CASE("what is kept does not stay on a machine that is lost") {
  rolling_farm farm{3};
  farm.deploy(small_farm::web(3), 7);
  farm.roll_to_the_end();
  farm.state.machines.at("w2").lost = true;
  farm.present.leave("w2");
  give_again(farm, small_farm::web(3));
  CHECK(farm.row().coming.size() == 1);
  CHECK(farm.row().leaving.size() == 1);
}
