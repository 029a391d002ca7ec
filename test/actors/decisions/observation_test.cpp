#include "actors/decisions/observation.hpp"
#include "test/actors/decisions/small_farm.hpp"

#include <doctest/doctest.h>

using namespace deployminator;
using namespace deployminator::actors;
using namespace deployminator::messages;

namespace {

observation seen_of(const instance& each, instance_state state) {
  auto seen = each.seen;
  seen.state = state;
  return seen;
}

} // namespace

TEST_CASE("a report changes what was seen and tells it once") {
  small_farm farm{1};
  auto version = farm.deploy(small_farm::web(1), 1);
  report news{1, false, {seen_of(farm.wanted(version)[0], instance_state::downloading)}, {}};
  auto c = observe(farm.state, "w1", news, farm.now());
  REQUIRE(c.events.size() == 1);
  CHECK(std::get<instance_change>(c.events[0].what).to == instance_state::downloading);
  CHECK(c.events[0].version == version);
  farm.make(c);
  CHECK(is_empty(observe(farm.state, "w1", news, farm.now())));
}

TEST_CASE("a machine cannot speak for another one's instances") {
  small_farm farm{1};
  auto version = farm.deploy(small_farm::web(1), 1);
  report news{1, false, {seen_of(farm.wanted(version)[0], instance_state::ready)}, {}};
  CHECK(is_empty(observe(farm.state, "w2", news, farm.now())));
}

TEST_CASE("the hash of the first fetch is pinned, and every other machine gets it") {
  small_farm farm{2};
  auto version = farm.deploy(small_farm::web(2), 1);
  auto seen = seen_of(farm.wanted(version)[0], instance_state::preparing);
  seen.sha256 = std::string(64, 'a');
  auto before = farm.state.machines;
  farm.make(
    observe(farm.state, farm.wanted(version)[0].machine, {1, false, {seen}, {}}, farm.now()));
  CHECK(farm.state.versions.at(version).applications[0].sha256 == seen.sha256);
  for (const auto& [name, machine] : farm.state.machines)
    CHECK(machine.generation == before.at(name).generation + 1);
}

TEST_CASE("an instance disappears only when it was to stop and is gone") {
  small_farm farm{1};
  auto version = farm.deploy(small_farm::web(1), 1);
  auto row = farm.wanted(version)[0];
  report news{1, false, {}, {seen_of(row, instance_state::stopped)}};
  CHECK(is_empty(observe(farm.state, "w1", news, farm.now())));
  farm.state.instances.at(row.id).goal = instance_goal::stop;
  auto c = observe(farm.state, "w1", news, farm.now());
  CHECK(c.gone_instances == std::vector<std::string>{row.id});
}

TEST_CASE("an instance that was to stop and is missing from a full report is gone") {
  small_farm farm{1};
  auto version = farm.deploy(small_farm::web(2), 1);
  auto id = farm.wanted(version)[0].id;
  farm.state.instances.at(id).goal = instance_goal::stop;
  auto c = observe(farm.state, "w1", {1, true, {}, {}}, farm.now());
  CHECK(c.gone_instances == std::vector<std::string>{id});
}

TEST_CASE("an agent that holds more than the server remembers gets a higher generation") {
  small_farm farm{1};
  agent_introduction agent;
  agent.name = "w1";
  agent.generation = 41;
  agent.assignment_digest = 1;
  auto c = machine_joined(farm.state, agent, "1.0", false, farm.now());
  REQUIRE(c.machines.size() == 1);
  CHECK(c.machines[0].generation == 42);
  CHECK(c.events.size() == 1);
}
