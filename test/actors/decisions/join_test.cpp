#include "actors/decisions/assignment.hpp"
#include "actors/decisions/join.hpp"
#include "messages/digest.hpp"
#include "test/actors/decisions/small_farm.hpp"

#include <doctest/doctest.h>

using namespace deployminator;
using namespace deployminator::actors;
using namespace deployminator::messages;

namespace {

/// What w1's agent says of itself.
agent_introduction introduction(const small_farm& farm, std::uint64_t generation,
                                std::uint64_t digest) {
  agent_introduction agent;
  agent.name = "w1";
  auto known = farm.state.machines.find("w1");
  agent.identity = known == farm.state.machines.end() ? "identity-w1" : known->second.identity;
  agent.groups = {"worker"};
  agent.generation = generation;
  agent.assignment_digest = digest;
  return agent;
}

/// The same for an agent that has what it should have.
agent_introduction up_to_date(const small_farm& farm) {
  auto head = assignment_head_of(farm.state, "w1");
  return introduction(farm, head.generation, head.digest);
}

result<join> said_hello(small_farm& farm, const agent_introduction& agent, bool is_proven = false) {
  return machine_joined(farm.state, agent, "1.0", is_proven, farm.now());
}

/// The generation that the machine has after the hello.
std::uint64_t generation_after(small_farm& farm, const agent_introduction& agent) {
  auto joined = said_hello(farm, agent);
  REQUIRE(joined);
  return joined->what.machines.at(0).generation;
}

} // namespace

TEST_CASE(
  "an agent that holds orders of another store is refused, and so its instances are spared") {
  small_farm farm{1};
  auto refused = said_hello(farm, introduction(farm, 41, 1));
  REQUIRE_FALSE(refused);
  CHECK(
    refused.error().message
    == "the agent of w1 holds orders of generation 41 that this server never gave (it knows 0)");
  farm.deploy(small_farm::web(1), 1);
  CHECK_FALSE(said_hello(farm, introduction(farm, 1, 1)));
}

TEST_CASE("an agent whose identity no database would keep is refused, and fails no commit") {
  small_farm farm{1};
  auto agent = introduction(farm, 0, 0);
  agent.identity = std::string(256, 'x');
  auto refused = said_hello(farm, agent);
  REQUIRE_FALSE(refused);
  CHECK(refused.error().code == failure_code::invalid);
  CHECK_FALSE(
    machine_joined(farm.state, introduction(farm, 0, 0), std::string(300, '1'), true, farm.now()));
}

TEST_CASE("an agent that holds nothing is welcome whatever its generation") {
  small_farm farm{1};
  farm.deploy(small_farm::web(1), 1);
  CHECK(generation_after(farm, introduction(farm, 41, 0)) == 42);
}

TEST_CASE("an agent that holds nothing gets its first instance though it has seen other servers") {
  small_farm farm{1};
  auto agent = introduction(farm, 41, 0);
  auto joined = said_hello(farm, agent);
  REQUIRE(joined);
  farm.make(joined->what);
  farm.deploy(small_farm::web(1), 1);
  // An agent takes no assignment that is not newer than what it has.
  CHECK(farm.state.machines.at("w1").generation > agent.generation);
}

TEST_CASE("an agent that lags behind is welcome, and its generation stays") {
  small_farm farm{1};
  farm.deploy(small_farm::web(1), 1);
  farm.deploy(small_farm::web(1), 2);
  CHECK(generation_after(farm, introduction(farm, 1, 1)) == 2);
}

TEST_CASE("an agent that has what it should have is told nothing new") {
  small_farm farm{1};
  farm.deploy(small_farm::web(1), 1);
  CHECK(generation_after(farm, up_to_date(farm)) == 1);
}

TEST_CASE("an agent of another release gets the same assignment under a newer generation") {
  small_farm farm{1};
  farm.deploy(small_farm::web(1), 1);
  auto agent = up_to_date(farm);
  agent.wants_assignment = true;
  CHECK(generation_after(farm, agent) == 2);
}

TEST_CASE("another agent cannot take the name of a machine that has instances") {
  small_farm farm{1};
  auto other = introduction(farm, 0, 0);
  other.identity = "another";
  CHECK(said_hello(farm, other));
  farm.deploy(small_farm::web(1), 1);
  auto refused = said_hello(farm, other);
  REQUIRE_FALSE(refused);
  CHECK(refused.error().code == failure_code::refused);
}

TEST_CASE("whoever holds a machine's key is the machine, also with a new state directory") {
  small_farm farm{1};
  farm.deploy(small_farm::web(1), 1);
  auto reinstalled = introduction(farm, 0, 0);
  reinstalled.identity = "another";
  CHECK_FALSE(said_hello(farm, reinstalled));
  auto joined = said_hello(farm, reinstalled, true);
  REQUIRE(joined);
  CHECK(joined->what.machines.at(0).identity == "another");
  SUBCASE("but not with orders that this store never gave") {
    reinstalled.generation = 41;
    reinstalled.assignment_digest = 1;
    CHECK_FALSE(said_hello(farm, reinstalled, true));
  }
}

TEST_CASE("a machine is known from its first hello on, as it describes itself") {
  small_farm farm{0};
  auto agent = introduction(farm, 0, 0);
  agent.memory_mb = 700;
  auto joined = said_hello(farm, agent);
  REQUIRE(joined);
  CHECK_FALSE(joined->was_reachable);
  CHECK_FALSE(joined->same_groups);
  const auto& row = joined->what.machines.at(0);
  CHECK(row.name == "w1");
  CHECK(row.identity == "identity-w1");
  CHECK(row.groups == std::vector<std::string>{"worker"});
  CHECK(row.memory_mb == 700);
  CHECK(row.agent_version == "1.0");
  CHECK(row.last_seen == farm.now().now);
  CHECK(told<machine_change>(joined->what)
        == std::vector<machine_change>{
          {"w1", machine_state::unreachable, machine_state::ready, "its agent said hello"}});
}

TEST_CASE("that a machine is within reach is told only where it was not") {
  small_farm farm{1};
  auto joined = said_hello(farm, up_to_date(farm));
  CHECK(joined->was_reachable);
  CHECK(joined->what.events.empty());
  farm.make(machine_lost(farm.state, "w1", "silence", timestamp{}, farm.now()));
  joined = said_hello(farm, up_to_date(farm));
  CHECK_FALSE(joined->was_reachable);
  CHECK(joined->what.events.size() == 1);
  farm.make(joined->what);
  CHECK_FALSE(farm.state.machines.at("w1").lost);
}

TEST_CASE("a machine that changes its machine groups is noticed") {
  small_farm farm{1};
  CHECK(said_hello(farm, up_to_date(farm))->same_groups);
  auto moved = up_to_date(farm);
  moved.groups = {"db"};
  auto joined = said_hello(farm, moved);
  CHECK_FALSE(joined->same_groups);
  CHECK(joined->what.machines.at(0).groups == std::vector<std::string>{"db"});
}

TEST_CASE("a machine that is lost is told with the reason and when it was seen") {
  small_farm farm{1};
  timestamp heard{farm.state.machines.at("w1").last_seen.microseconds + 3'600'000'000};
  auto c = machine_lost(farm.state, "w1", "silence", heard, farm.now());
  CHECK(told<machine_change>(c)
        == std::vector<machine_change>{
          {"w1", machine_state::ready, machine_state::unreachable, "silence"}});
  CHECK(c.machines.at(0).last_seen == heard);
  CHECK(c.machines.at(0).lost);
  CHECK(is_empty(machine_lost(farm.state, "w7", "silence", heard, farm.now())));
}

TEST_CASE("a machine that this server never heard was seen when the store says") {
  small_farm farm{1};
  auto stored = farm.state.machines.at("w1").last_seen;
  auto c = machine_lost(farm.state, "w1", "it did not connect", {}, farm.now());
  CHECK(c.machines.at(0).last_seen == stored);
}

TEST_CASE("what the farm knows of a machine's instances has the digest that its agent computes") {
  small_farm farm{2};
  auto version = farm.deploy(small_farm::web(4), 1);
  CHECK(observation_digest_of(farm.state, "w3") == 0);
  std::vector<observation> seen;
  for (const auto& each : farm.wanted(version)) {
    farm.change_seen(each.id, [](observation& now) { now.pid = 7; });
    if (each.machine == "w1")
      seen.push_back(farm.state.instances.at(each.id).seen);
  }
  REQUIRE(seen.size() == 2);
  CHECK(observation_digest_of(farm.state, "w1") == digest_of(seen));
}
