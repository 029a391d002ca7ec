#include "actors/decisions/edit.hpp"
#include "test/actors/decisions/small_farm.hpp"

#include <doctest/doctest.h>

using namespace deployminator;
using namespace deployminator::actors;
using namespace deployminator::messages;

namespace {

const machine& machine_in(const change& c, const std::string& name) {
  for (const auto& each : c.machines)
    if (each.name == name)
      return each;
  FAIL("the machine is not in the change");
  return c.machines.front();
}

std::vector<std::string> machines_in(const change& c) {
  std::vector<std::string> out;
  for (const auto& each : c.machines)
    out.push_back(each.name);
  return out;
}

} // namespace

TEST_CASE("a machine's generation rises once in a change, however many of its instances change") {
  small_farm farm{2};
  auto version = farm.deploy(small_farm::web(6), 1);
  CHECK(farm.state.machines.at("w1").generation == 1);
  CHECK(farm.state.machines.at("w2").generation == 1);
  edit c{farm.state, farm.now()};
  for (const auto& each : farm.wanted(version))
    c.instance(each.id).goal = instance_goal::run;
  farm.make(std::move(c).done());
  CHECK(farm.state.machines.at("w1").generation == 2);
  for (const auto& each : farm.wanted(version))
    CHECK(each.revision == 2);
}

TEST_CASE("generations rise on the machines whose instances change, and on no other") {
  small_farm farm{3};
  auto version = farm.deploy(small_farm::web(3), 1);
  auto some = farm.wanted(version)[0];
  edit c{farm.state, farm.now()};
  c.instance(some.id).goal = instance_goal::stop;
  auto made = std::move(c).done();
  CHECK(machines_in(made) == std::vector<std::string>{some.machine});
  CHECK(machine_in(made, some.machine).generation == 2);
}

TEST_CASE("the generation is noted with the instances that changed, and with no others") {
  small_farm farm{1};
  auto version = farm.deploy(small_farm::web(2), 1);
  auto list = farm.wanted(version);
  edit c{farm.state, farm.now()};
  c.instance(list[0].id).goal = instance_goal::run;
  c.instance(list[1].id).seen.pid = 7;
  farm.make(std::move(c).done());
  CHECK(farm.state.instances.at(list[0].id).revision == 2);
  CHECK(farm.state.instances.at(list[1].id).revision == 1);
  CHECK(farm.state.instances.at(list[1].id).seen.pid == 7);
}

TEST_CASE("what is only observed changes no assignment") {
  small_farm farm{1};
  auto version = farm.deploy(small_farm::web(1), 1);
  edit c{farm.state, farm.now()};
  c.instance(farm.wanted(version)[0].id).seen.state = instance_state::downloading;
  auto made = std::move(c).done();
  CHECK(made.machines.empty());
  CHECK(made.instances.size() == 1);
}

TEST_CASE("a machine that is edited otherwise too gets both changes in one row") {
  small_farm farm{1};
  auto version = farm.deploy(small_farm::web(1), 1);
  edit c{farm.state, farm.now()};
  c.instance(farm.wanted(version)[0].id).goal = instance_goal::run;
  c.machine("w1").memory_mb = 7;
  auto made = std::move(c).done();
  REQUIRE(made.machines.size() == 1);
  CHECK(made.machines[0].memory_mb == 7);
  CHECK(made.machines[0].generation == 2);
}

TEST_CASE("a hash that gets known raises the revisions of that version's instances alone") {
  small_farm farm{1};
  auto first = farm.deploy(small_farm::web(2), 1);
  farm.deploy(small_farm::web(2), 2);
  auto version = farm.deploy(small_farm::web(3), 3);
  auto list = farm.wanted(version);
  farm.set_goal(list[2].id, instance_goal::stop);
  auto before = farm.state;
  edit c{farm.state, farm.now()};
  c.version(version).applications[0].sha256 = "ab";
  farm.make(std::move(c).done());
  auto generation = before.machines.at("w1").generation + 1;
  CHECK(farm.state.machines.at("w1").generation == generation);
  for (const auto& [id, each] : farm.state.instances) {
    bool is_told = each.version_id == version && each.goal != instance_goal::stop;
    CHECK(each.revision == (is_told ? generation : before.instances.at(id).revision));
  }
  CHECK(first != version);
}

TEST_CASE("a hash of one application does not concern the instances of another") {
  small_farm farm{1};
  auto other = small_farm::web(1);
  other.name = "db";
  auto version
    = farm.give(small_farm::build_of({small_farm::web(1), other}, 1)).kept.versions[0].version;
  edit c{farm.state, farm.now()};
  c.version(version).applications[0].sha256 = "ab";
  auto made = std::move(c).done();
  REQUIRE(made.instances.size() == 1);
  CHECK(made.instances[0].application == "web");
}

TEST_CASE("a version that changes otherwise changes no assignment") {
  small_farm farm{1};
  auto version = farm.deploy(small_farm::web(1), 1);
  edit c{farm.state, farm.now()};
  c.version(version).state = version_state::failed;
  auto made = std::move(c).done();
  CHECK(made.machines.empty());
  CHECK(made.instances.empty());
}

TEST_CASE("rows are edited as the change leaves them so far, and are in it once") {
  small_farm farm{1};
  farm.deploy(small_farm::web(1), 1);
  auto before = farm.state;
  edit c{farm.state, farm.now()};
  c.group(1).deployed_version = 7;
  c.group(1).pending_version = c.group(1).deployed_version + 1;
  auto made = std::move(c).done();
  REQUIRE(made.groups.size() == 1);
  CHECK(made.groups[0].pending_version == 8);
  CHECK(farm.state == before);
}

TEST_CASE("new rows get ids that neither the farm nor the change has") {
  small_farm farm{1};
  farm.deploy(small_farm::web(1), 1);
  edit c{farm.state, farm.now()};
  CHECK(c.new_group_id() == 2);
  c.put(group{2, "ns", "g"});
  CHECK(c.new_group_id() == 3);
  CHECK(c.new_version_id() == 2);
  c.put(version{5, 2});
  CHECK(c.new_version_id() == 6);
  CHECK(c.new_application_id() == 2);
  CHECK(c.new_application_id() == 3);
}

TEST_CASE("instance ids are file names that say what they are") {
  small_farm farm{1};
  edit c{farm.state, farm.now()};
  auto one = c.new_instance_id("dist/My Server");
  auto another = c.new_instance_id("dist/My Server");
  CHECK(one != another);
  for (const auto& each : {one, another, c.new_instance_id(std::string(200, 'x'))}) {
    CHECK(each.size() <= 40);
    CHECK(each.find_first_not_of("abcdefghijklmnopqrstuvwxyz0123456789-") == std::string::npos);
  }
  CHECK(one.starts_with("my-server-"));
}

TEST_CASE("what is told has the change's time, and the group it is about") {
  small_farm farm{1};
  farm.deploy(small_farm::web(1), 1);
  edit c{farm.state, farm.now()};
  c.tell(farm.state.groups.at(1), 3, rollout_step{"placed", "because"});
  c.tell(machine_change{"w1"});
  auto made = std::move(c).done();
  REQUIRE(made.events.size() == 2);
  CHECK(made.events[0].time == farm.now().now);
  CHECK(made.events[0].group == "web");
  CHECK(made.events[0].version == 3);
  CHECK(made.events[1].group == "");
}

TEST_CASE("an instance that is gone is named with its group") {
  small_farm farm{1};
  auto version = farm.deploy(small_farm::web(1), 1);
  auto id = farm.wanted(version)[0].id;
  edit c{farm.state, farm.now()};
  c.erase_instance(id);
  auto made = std::move(c).done();
  CHECK(made.gone_instances == std::vector<gone_instance>{{id, 1}});
  CHECK(made.instances.empty());
  CHECK(made.machines.empty());
}

TEST_CASE("a rollout in whose place another one begins ends for people, not for the farm") {
  small_farm farm{1};
  farm.deploy(small_farm::web(1), 1);
  auto old = farm.state.rollouts.at(1);
  SUBCASE("another begins") {
    edit c{farm.state, farm.now()};
    c.end_rollout(old, rollout_outcome::superseded, "because");
    rollout next;
    next.group_id = 1;
    next.id = old.id + 1;
    c.put(next);
    auto made = std::move(c).done();
    CHECK(made.finished_rollouts.empty());
    CHECK(made.rollouts.size() == 1);
    REQUIRE(told<rollout_finished>(made).size() == 1);
    CHECK(told<rollout_finished>(made)[0].rollout == old.id);
  }
  SUBCASE("none begins") {
    edit c{farm.state, farm.now()};
    c.end_rollout(old, rollout_outcome::failed, "because");
    auto made = std::move(c).done();
    REQUIRE(made.finished_rollouts.size() == 1);
    CHECK(made.finished_rollouts[0].outcome == rollout_outcome::failed);
    CHECK_FALSE(made.finished_rollouts[0].is_upkeep);
    CHECK(made.rollouts.empty());
  }
}
