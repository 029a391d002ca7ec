#include "actors/decisions/join.hpp"
#include "actors/decisions/machines.hpp"
#include "actors/decisions/upkeep.hpp"
#include "test/actors/decisions/rolling_farm.hpp"

#include <doctest/doctest.h>

using namespace deployminator::actors;
using namespace deployminator::messages;

namespace {

/// A farm on which version 1 of `shop/web` is deployed, and whose machines are drained and
/// forgotten.
struct drained_farm : rolling_farm {
  int orders = 0;

  drained_farm(int machines, const application& app) : rolling_farm(machines) {
    deploy(app, 1);
    roll_to_the_end();
  }

  template <class Order>
  decided_order say(const std::string& machine) {
    return give(Order{{fmt::format("machine-{}", ++orders), machine}});
  }
  decided_order drain(const std::string& machine) {
    return say<drain_machine>(machine);
  }

  upkeep keep() {
    auto p = plan_for(upkeep_wishes(state, group_id));
    auto out = decide_upkeep(state, group_id, p, "w1 drains", now());
    make(out.what);
    return out;
  }

  void lose(const std::string& machine) {
    present.leave(machine);
    make(machine_lost(state, machine, "silence", {}, now()));
  }

  [[nodiscard]] std::size_t count_on(const std::string& machine) const {
    return state.instances.on_machine(machine).size();
  }
};

using changes = std::vector<machine_change>;
using enum machine_state;

} // namespace

TEST_CASE("a machine that drains hands its instances over, new first") {
  drained_farm farm{2, small_farm::web(2)};
  auto done = farm.drain("w1");
  REQUIRE_FALSE(done.refused);
  CHECK(done.kept.versions.empty());
  CHECK(
    told<machine_change>(done.what)
    == changes{{"w1", ready, draining, "1 instance on it comes elsewhere first (by somebody)"}});
  CHECK_FALSE(farm.keep().lacking);
  REQUIRE(farm.is_rolling());
  CHECK(farm.row().purpose == "an instance leaves w1, to be drained: w1 drains");
  REQUIRE(farm.row().coming.size() == 1);
  CHECK(farm.state.instances.at(farm.row().coming[0]).machine == "w2");
  auto old = farm.row().leaving;
  REQUIRE(old.size() == 1);
  farm.roll_to(rollout_phase::starting);
  CHECK(farm.state.instances.at(old[0]).goal == instance_goal::run);
  farm.roll_to_the_end();
  CHECK(farm.count_on("w1") == 0);
  CHECK(farm.count_on("w2") == 2);
  CHECK(farm.ready_count(1) == 2);
}

TEST_CASE("the last instance that goes makes the machine drained, once") {
  drained_farm farm{2, small_farm::web(2)};
  farm.drain("w1");
  farm.keep();
  farm.roll_to(rollout_phase::stopping_old);
  edit c{farm.state, farm.now()};
  c.erase_instance(farm.row().leaving.at(0));
  auto what = std::move(c).done();
  CHECK(told<machine_change>(what)
        == changes{{"w1", draining, drained, "its last instance is gone"}});
  farm.make(what);
  CHECK(state_within_reach(farm.state, farm.state.machines.at("w1")) == drained);
  CHECK(told<machine_change>(farm.drain("w1").what).empty());
}

TEST_CASE("an empty machine is drained at once, and takes nothing") {
  drained_farm farm{2, small_farm::web(1)};
  auto empty = farm.count_on("w1") == 0 ? "w1" : "w2";
  CHECK(told<machine_change>(farm.drain(empty).what).at(0).to == drained);
  farm.deploy(small_farm::web(3), 2);
  farm.roll_to_the_end();
  CHECK(farm.count_on(empty) == 0);
  CHECK(farm.ready_count(2) == 3);
}

TEST_CASE(
  "where no other machine may have it an instance stays, and the machine goes on draining") {
  drained_farm farm{1, small_farm::web(1)};
  farm.drain("w1");
  CHECK(farm.keep().lacking);
  CHECK_FALSE(farm.is_rolling());
  CHECK(state_within_reach(farm.state, farm.state.machines.at("w1")) == draining);
  auto refused = farm.give(small_farm::build_of({small_farm::web(1)}, 2)).refused;
  REQUIRE(refused);
  CHECK(refused->message
        == "shop/web/web cannot be placed: w1 drains, and no other machine may have it");
  farm.add_machine("w2");
  farm.keep();
  farm.roll_to_the_end();
  CHECK(farm.count_on("w1") == 0);
  CHECK(farm.ready_count(1) == 1);
}

TEST_CASE("where one is on each machine the one on a machine that drains just goes") {
  auto app = small_farm::web(1);
  app.strategy = "one-per-machine";
  drained_farm farm{2, app};
  farm.drain("w1");
  farm.keep();
  farm.roll_to_the_end();
  CHECK(farm.count_on("w1") == 0);
  CHECK(farm.count_on("w2") == 1);
  CHECK(told<machine_change>(farm.say<undrain_machine>("w1").what)
        == changes{{"w1", drained, ready, "it takes instances again (by somebody)"}});
  farm.keep();
  farm.roll_to_the_end();
  CHECK(farm.count_on("w1") == 1);
}

TEST_CASE("a machine that drains and comes back says what it is") {
  drained_farm farm{2, small_farm::web(2)};
  farm.lose("w1");
  CHECK(told<machine_change>(farm.drain("w1").what).at(0).to == unreachable);
  agent_introduction agent;
  agent.name = "w1";
  agent.identity = "identity-w1";
  agent.groups = {"worker"};
  auto joined = machine_joined(farm.state, agent, "0.1", false, farm.now());
  REQUIRE(joined);
  CHECK(told<machine_change>(joined->what).at(0).to == draining);
  farm.make(joined->what);
  CHECK(farm.state.machines.at("w1").draining);
}

TEST_CASE("a machine that nobody knows is neither drained nor forgotten") {
  drained_farm farm{1, small_farm::web(1)};
  for (auto refused : {farm.drain("w7").refused, farm.say<undrain_machine>("w7").refused,
                       farm.say<forget_machine>("w7").refused}) {
    REQUIRE(refused);
    CHECK(refused->message == "there is no machine w7");
    CHECK(refused->hint == "there are: w1");
  }
}

TEST_CASE("only a machine out of reach is forgotten, and what it ran is missing then") {
  drained_farm farm{2, small_farm::web(2)};
  auto refused = farm.say<forget_machine>("w1").refused;
  REQUIRE(refused);
  CHECK(refused->message == "w1 is within reach");
  farm.lose("w1");
  auto done = farm.say<forget_machine>("w1");
  REQUIRE_FALSE(done.refused);
  CHECK(told<machine_change>(done.what)
        == changes{{"w1", unreachable, unreachable, "it is forgotten"}});
  CHECK(told<instance_change>(done.what).size() == 1);
  CHECK_FALSE(farm.state.machines.contains("w1"));
  farm.keep();
  farm.roll_to_the_end();
  CHECK(farm.count_on("w2") == 2);
  CHECK(farm.ready_count(1) == 2);
}

TEST_CASE("a machine that a rollout waits for is not forgotten") {
  drained_farm farm{2, small_farm::web(2)};
  farm.deploy(small_farm::web(2), 2);
  farm.lose("w1");
  auto refused = farm.say<forget_machine>("w1").refused;
  REQUIRE(refused);
  CHECK(refused->message.find("the rollout of shop/web waits for ") == 0);
  CHECK(farm.state.machines.contains("w1"));
}

TEST_CASE("a machine that was forgotten and comes back with what it ran is refused") {
  drained_farm farm{2, small_farm::web(2)};
  auto generation = farm.state.machines.at("w1").generation;
  farm.lose("w1");
  farm.say<forget_machine>("w1");
  agent_introduction agent;
  agent.name = "w1";
  agent.groups = {"worker"};
  agent.generation = generation;
  agent.assignment_digest = 7;
  CHECK_FALSE(machine_joined(farm.state, agent, "0.1", true, farm.now()));
}
