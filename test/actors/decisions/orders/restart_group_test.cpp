#include "actors/decisions/orders/order.hpp"
#include "test/actors/decisions/rolling_farm.hpp"

#include <doctest/doctest.h>

#include <algorithm>

using namespace deployminator;
using namespace deployminator::actors;
using namespace deployminator::messages;

namespace {

restart_group restart(const std::string& application = {}, const std::string& id = "restart") {
  return {{id, "shop", "web", application}};
}

std::vector<std::string> ids_of(const std::vector<instance>& list) {
  std::vector<std::string> out;
  for (const auto& each : list)
    out.push_back(each.id);
  return out;
}

std::vector<std::string> machines_of(const std::vector<instance>& list) {
  std::vector<std::string> out;
  for (const auto& each : list)
    out.push_back(each.machine);
  std::sort(out.begin(), out.end());
  return out;
}

} // namespace

TEST_CASE("restart brings new instances of the version on the same machines, then the old stop") {
  rolling_farm farm{3};
  auto version = farm.deploy(small_farm::web(4), 1);
  farm.roll_to_the_end();
  auto before = farm.wanted(version);
  auto done = farm.give(restart());
  REQUIRE_FALSE(done.refused);
  CHECK(farm.row().to == farm.row().from);
  CHECK(farm.row().phase == rollout_phase::fetching);
  CHECK(farm.wanted(version).size() == 8);
  farm.roll_to_the_end();
  auto after = farm.wanted(version);
  CHECK(machines_of(after) == machines_of(before));
  CHECK(farm.ready_count(version) == 4);
  for (const auto& id : ids_of(after))
    CHECK(farm.state.instances.find(id)->second.seen.state == instance_state::ready);
  auto old = ids_of(before);
  for (const auto& id : ids_of(after))
    CHECK(std::find(old.begin(), old.end(), id) == old.end());
  CHECK(farm.group().deployed_version == version);
}

TEST_CASE("a restart that fails leaves the old instances as they were") {
  rolling_farm farm{2};
  auto version = farm.deploy(small_farm::web(2), 1);
  farm.roll_to_the_end();
  auto before = ids_of(farm.wanted(version));
  farm.give(restart());
  farm.roll_to(rollout_phase::starting);
  farm.fail(farm.row().coming.front());
  farm.roll_to_the_end();
  CHECK(ids_of(farm.wanted(version)) == before);
  CHECK(farm.state.versions.at(version).state == version_state::deployed);
}

TEST_CASE("restart of one application leaves the others alone") {
  rolling_farm farm{1};
  auto other = small_farm::web(1);
  other.name = "other";
  farm.give(small_farm::build_of({small_farm::web(1), other}, 1));
  farm.roll_to_the_end();
  farm.give(restart("other"));
  REQUIRE(farm.row().leaving.size() == 1);
  CHECK(farm.state.instances.find(farm.row().leaving[0])->second.application == "other");
}

TEST_CASE("restart leaves instances on machines out of reach as they are") {
  rolling_farm farm{2};
  auto version = farm.deploy(small_farm::web(2), 1);
  farm.roll_to_the_end();
  farm.state.machines.at("w1").lost = true;
  farm.give(restart());
  CHECK(farm.row().coming.size() == 1);
  farm.roll_to_the_end();
  CHECK(farm.wanted(version).size() == 2);
}

TEST_CASE("restart leaves instances on machines that left the machine groups as they are") {
  rolling_farm farm{2};
  farm.deploy(small_farm::web(2), 1);
  farm.roll_to_the_end();
  farm.state.machines.at("w1").groups = {"db"};
  farm.give(restart());
  REQUIRE(farm.row().coming.size() == 1);
  CHECK(farm.state.instances.find(farm.row().coming[0])->second.machine == "w2");
}

TEST_CASE("a restart during a restart replaces what ran before both") {
  for (auto phase :
       {rollout_phase::fetching, rollout_phase::starting, rollout_phase::stopping_old}) {
    rolling_farm farm{2};
    auto version = farm.deploy(small_farm::web(3), 1);
    farm.roll_to_the_end();
    farm.give(restart());
    farm.roll_to(phase);
    farm.give(restart({}, "again"));
    CHECK(farm.row().coming.size() == 3);
    farm.roll_to_the_end();
    CHECK(farm.state.instances.size() == 3);
    CHECK(farm.ready_count(version) == 3);
  }
}

TEST_CASE("a build that comes during a restart takes its place") {
  rolling_farm farm{1};
  farm.deploy(small_farm::web(1), 1);
  farm.roll_to_the_end();
  farm.give(restart());
  auto second = farm.deploy(small_farm::web(1), 2);
  farm.roll_to_the_end();
  CHECK(farm.state.instances.size() == 1);
  CHECK(farm.ready_count(second) == 1);
}

TEST_CASE("restart is refused where nothing runs, and while the version changes") {
  rolling_farm farm{1};
  farm.deploy(small_farm::web(1), 1);
  CHECK(farm.give(restart()).refused->message == "shop/web is on its way to version 1");
  farm.roll_to_the_end();
  farm.give(stop_group{{"stop", "shop", "web", ""}});
  farm.roll_to_the_end();
  CHECK(farm.give(restart()).refused->message == "nothing of shop/web runs within reach");
}
