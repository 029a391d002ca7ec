#include "actors/decisions/upkeep.hpp"
#include "test/actors/decisions/rolling_farm.hpp"

#include <doctest/doctest.h>

using namespace deployminator;
using namespace deployminator::actors;
using namespace deployminator::messages;

namespace {

/// A farm on which version 1 of `shop/web` is deployed.
struct kept_farm : rolling_farm {
  kept_farm(int machines, const application& app) : rolling_farm(machines) {
    deploy(app, 1);
    roll_to_the_end();
  }

  [[nodiscard]] plan plan_now() const {
    return plan_for(upkeep_wishes(state, group_id));
  }

  /// Looks after the group once.
  upkeep keep(const std::string& occasion = "something happened") {
    auto out = decide_upkeep(state, group_id, plan_now(), occasion, now());
    make(out.what);
    return out;
  }

  /// An instance's row goes, as if it was never there.
  std::string forget_one() {
    auto id = wanted(1).front().id;
    state.instances.erase(id);
    return id;
  }

  void note_that_all_were_ready() {
    for (const auto& each : wanted(1))
      change_seen(each.id, [](observation& seen) { seen.ready_at = {1'000'000}; });
  }

  void move_to_group(const std::string& machine, const std::string& group) {
    state.machines.at(machine).groups = {group};
  }

  [[nodiscard]] std::vector<std::string> machines_of_wanted() const {
    std::vector<std::string> out;
    for (const auto& each : wanted(1))
      out.push_back(each.machine);
    std::sort(out.begin(), out.end());
    return out;
  }
};

using names = std::vector<std::string>;

constexpr duration second{1'000};

} // namespace

TEST_CASE("what could not be placed for want of machines is looked at again") {
  auto app = small_farm::web(3);
  app.max_per_machine = 1;
  kept_farm farm{2, app};
  CHECK(farm.machines_of_wanted() == names{"w1", "w2"});
  auto out = farm.keep();
  CHECK(is_empty(out.what));
  CHECK(out.lacking);
  farm.add_machine("w3");
  CHECK_FALSE(is_empty(farm.keep().what));
  CHECK(farm.machines_of_wanted() == names{"w1", "w2", "w3"});
}

TEST_CASE("where nothing is lacking nothing is done") {
  kept_farm farm{2, small_farm::web(2)};
  auto out = farm.keep();
  CHECK(is_empty(out.what));
  CHECK_FALSE(out.lacking);
}

TEST_CASE("a missing instance comes with a rollout within the version") {
  kept_farm farm{2, small_farm::web(2)};
  farm.forget_one();
  auto out = farm.keep("w1 is back");
  CHECK_FALSE(out.lacking);
  REQUIRE(farm.is_rolling());
  CHECK(farm.row().from == 1);
  CHECK(farm.row().to == 1);
  CHECK(farm.row().each_alone);
  CHECK(farm.row().coming.size() == 1);
  CHECK(farm.row().leaving.empty());
  CHECK(farm.row().order_id == "");
  CHECK(farm.row().purpose == "instances are missing: w1 is back");
  CHECK(farm.group().deployed_version == 1);
  CHECK(farm.group().pending_version == 0);
  farm.roll_to_the_end();
  CHECK(farm.ready_count(1) == 2);
  CHECK(farm.state.versions.at(1).state == version_state::deployed);
}

TEST_CASE("a machine that joins gets its instance where there is one on each") {
  auto app = small_farm::web(1);
  app.strategy = "one-per-machine";
  kept_farm farm{2, app};
  farm.add_machine("w3");
  farm.keep("w3 has joined");
  REQUIRE(farm.is_rolling());
  farm.roll_to_the_end();
  CHECK(farm.machines_of_wanted() == names{"w1", "w2", "w3"});
}

TEST_CASE("while a rollout is under way its group is left alone") {
  kept_farm farm{2, small_farm::web(2)};
  farm.forget_one();
  farm.deploy(small_farm::web(2), 2);
  CHECK(upkeep_wishes(farm.state, 1).empty());
  CHECK(is_empty(decide_upkeep(farm.state, 1, {}, "", farm.now()).what));
}

TEST_CASE("a group of which nothing is deployed needs nothing") {
  small_farm farm{1};
  farm.deploy(small_farm::web(1), 1);
  farm.state.rollouts.clear();
  CHECK(upkeep_wishes(farm.state, 1).empty());
  CHECK(is_empty(decide_upkeep(farm.state, 1, {}, "", farm.now()).what));
}

TEST_CASE("applications that were stopped on purpose get no instances") {
  kept_farm farm{2, small_farm::web(2)};
  farm.forget_one();
  for (const auto* stopped : {"web", "*"}) {
    farm.state.groups.at(1).stopped = {stopped};
    CHECK(upkeep_wishes(farm.state, 1).empty());
    CHECK(is_empty(farm.keep().what));
  }
  farm.state.groups.at(1).stopped = {"db"};
  CHECK(upkeep_wishes(farm.state, 1).size() == 1);
}

TEST_CASE("instances on a machine that left their groups stop once the others are proven") {
  kept_farm farm{2, small_farm::web(2)};
  farm.move_to_group("w1", "db");
  auto out = farm.keep("w1 has other machine groups");
  CHECK_FALSE(out.lacking);
  REQUIRE(farm.is_rolling());
  CHECK(farm.row().purpose
        == "an instance is on a machine that left its machine groups: w1 has other machine groups");
  CHECK(farm.machines_of_wanted() == names{"w1", "w2", "w2"});
  CHECK(farm.ready_count(1) == 2);
  farm.roll_to(rollout_phase::stopping_old);
  CHECK(farm.machines_of_wanted() == names{"w2", "w2"});
  farm.roll_to_the_end();
  CHECK(farm.ready_count(1) == 2);
  CHECK(farm.state.instances.size() == 2);
}

TEST_CASE("what was replaced on a silent machine leaves it once that drains") {
  auto app = small_farm::web(2);
  app.replace_after = 10 * second;
  kept_farm farm{2, app};
  silence quiet;
  quiet.lasting["w1"] = 20 * second;
  quiet.unsure = {"w1"};
  farm.state.machines.at("w1").lost = true;
  farm.state.machines.at("w1").draining = true;
  farm.present.leave("w1");
  auto keep = [&] {
    auto out
      = decide_upkeep(farm.state, farm.group_id, farm.plan_now(), "drain", farm.now(), quiet);
    farm.make(out.what);
  };
  keep();
  farm.roll_to_the_end();
  keep();
  CHECK(farm.machines_of_wanted() == names{"w2", "w2"});
}

TEST_CASE("instances on a machine that left their groups stay where their replacement fails") {
  kept_farm farm{2, small_farm::web(2)};
  farm.move_to_group("w1", "db");
  farm.keep();
  farm.obey_all();
  farm.step();
  farm.fail(farm.row().coming.at(0));
  farm.roll_to_the_end();
  CHECK_FALSE(farm.is_rolling());
  CHECK(farm.machines_of_wanted() == names{"w1", "w2"});
  CHECK(farm.ready_count(1) == 2);
}

TEST_CASE("instances on a machine that left their groups wait until all others are proven") {
  kept_farm farm{3, small_farm::web(2)};
  auto list = farm.wanted(1);
  farm.move_to_group(list[0].machine, "db");
  // What there has to be elsewhere is there, but does not serve.
  auto fresh = farm.state.instances.at(list[1].id);
  fresh.id = "web-fresh";
  fresh.seen.ready_at = {};
  farm.state.instances.put(fresh);
  farm.fail("web-fresh");
  auto out = farm.keep();
  CHECK(is_empty(out.what));
  CHECK(out.lacking);
  farm.change_seen("web-fresh", [](observation& seen) { seen.state = instance_state::ready; });
  out = farm.keep();
  CHECK_FALSE(out.lacking);
  REQUIRE(farm.is_rolling());
  CHECK(farm.row().phase == rollout_phase::stopping_old);
  CHECK(farm.state.instances.at(list[0].id).goal == instance_goal::stop);
  farm.roll_to_the_end();
  CHECK(farm.wanted(1).size() == 2);
}

TEST_CASE("instances leave a machine though others, once proven, fail again and again") {
  kept_farm farm{3, small_farm::web(3)};
  auto list = farm.wanted(1);
  farm.note_that_all_were_ready();
  farm.move_to_group(list[0].machine, "db");
  farm.fail(list[1].id);
  farm.keep();
  REQUIRE(farm.is_rolling());
  CHECK(farm.machines_of_wanted().size() == 4);
  farm.roll_to_the_end();
  CHECK(farm.machines_of_wanted().size() == 3);
  CHECK(farm.state.instances.find(list[0].id) == farm.state.instances.end());
}

TEST_CASE("instances stay on a machine that left their groups while most others fail") {
  kept_farm farm{3, small_farm::web(3)};
  auto list = farm.wanted(1);
  farm.note_that_all_were_ready();
  farm.move_to_group(list[0].machine, "db");
  farm.fail(list[1].id);
  farm.fail(list[2].id);
  farm.keep();
  farm.roll_to_the_end();
  CHECK(farm.state.instances.find(list[0].id) != farm.state.instances.end());
}

TEST_CASE("where no machine of the group is left the instances stay where they are") {
  kept_farm farm{2, small_farm::web(2)};
  farm.move_to_group("w1", "db");
  farm.move_to_group("w2", "db");
  auto out = farm.keep();
  CHECK(is_empty(out.what));
  CHECK(out.lacking);
  CHECK(farm.ready_count(1) == 2);
}

TEST_CASE("what cannot be placed now is lacking") {
  kept_farm farm{1, small_farm::web(2)};
  farm.forget_one();
  farm.present.leave("w1");
  auto out = farm.keep();
  CHECK(is_empty(out.what));
  CHECK(out.lacking);
}

TEST_CASE("an application that cannot be placed does not keep another from it") {
  auto db = small_farm::web(1);
  db.name = "db";
  db.machine_groups = {"db"};
  rolling_farm farm{1};
  farm.add_machine("db1", {"db"});
  farm.give(small_farm::build_of({small_farm::web(1), db}, 1));
  farm.roll_to_the_end();
  for (const auto& id : farm.ids())
    farm.state.instances.erase(id);
  farm.present.leave("db1");
  auto p = farm.plan_for(upkeep_wishes(farm.state, 1));
  auto out = decide_upkeep(farm.state, 1, p, "", farm.now());
  CHECK(out.lacking);
  REQUIRE(out.what.instances.size() == 1);
  CHECK(out.what.instances[0].application == "web");
}

TEST_CASE("an instance that fails in an upkeep goes alone") {
  kept_farm farm{3, small_farm::web(3)};
  farm.forget_one();
  farm.forget_one();
  farm.keep();
  auto coming = farm.row().coming;
  REQUIRE(coming.size() == 2);
  farm.obey_all();
  farm.step();
  farm.fail(coming[0]);
  farm.roll_to_the_end();
  CHECK_FALSE(farm.is_rolling());
  CHECK(farm.ready_count(1) == 2);
  CHECK(farm.state.instances.contains(coming[1]));
  CHECK_FALSE(farm.state.instances.contains(coming[0]));
}

// -- the list of groups to look at ----------------------------------------------------------------

TEST_CASE("groups that something happened to are looked at once each, with the newest occasion") {
  upkeep_list list;
  CHECK_FALSE(list.take(duration{0}));
  CHECK_FALSE(list.next());
  list.want(2, "a");
  list.want(1, "b");
  list.want(2, "c");
  CHECK(list.next() == duration{0});
  CHECK(list.take(duration{0}) == 1);
  CHECK(list.take(duration{0}) == 2);
  CHECK(list.occasion_of(2) == "c");
  CHECK_FALSE(list.take(duration{0}));
  CHECK_FALSE(list.next());
}

TEST_CASE("a group that is lacking something is looked at again, after waits that double") {
  upkeep_list list;
  duration now{0};
  for (int seconds : {5, 10, 20, 40, 80, 120, 120}) {
    list.lacking(1, now);
    auto due = now + seconds * second;
    CHECK(list.next() == due);
    CHECK_FALSE(list.take(due - duration{1}));
    now = due;
    CHECK(list.take(now) == 1);
    CHECK(list.occasion_of(1) == "it was tried in vain before");
  }
}

TEST_CASE("a group that has all it should have begins with a short wait when it lacks again") {
  upkeep_list list;
  list.lacking(1, duration{0});
  list.lacking(1, duration{0});
  list.satisfied(1);
  CHECK_FALSE(list.next());
  list.lacking(1, duration{0});
  CHECK(list.next() == 5 * second);
}

TEST_CASE("a group whose rollout is under way is not looked at, and keeps its wait") {
  upkeep_list list;
  list.lacking(1, duration{0});
  list.moving(1);
  CHECK_FALSE(list.next());
  CHECK_FALSE(list.take(1'000 * second));
  list.lacking(1, 1'000 * second);
  CHECK(list.next() == 1'010 * second);
}

TEST_CASE("a group that something happens to is looked at though it waits") {
  upkeep_list list;
  list.lacking(1, duration{0});
  list.want(1, "w1 is back");
  CHECK(list.take(second) == 1);
  CHECK(list.occasion_of(1) == "w1 is back");
}

TEST_CASE("the next look is at the group that waits the shortest") {
  upkeep_list list;
  list.lacking(1, 3 * second);
  list.lacking(2, second);
  CHECK(list.next() == 6 * second);
  CHECK(list.take(6 * second) == 2);
}
