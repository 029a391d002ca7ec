#include "actors/decisions/assignment.hpp"
#include "messages/codec.hpp"
#include "test/actors/decisions/small_farm.hpp"

#include <doctest/doctest.h>

#include <rapidcheck.h>

using namespace deployminator;
using namespace deployminator::actors;

namespace {

machine_assignment random_assignment(std::uint64_t generation) {
  machine_assignment out;
  out.generation = generation;
  for (int i = 0; i < 6; ++i) {
    if (!*rc::gen::arbitrary<bool>())
      continue;
    messages::instance_spec spec;
    spec.id = fmt::format("web-{}", i);
    spec.version = *rc::gen::inRange<std::uint64_t>(1, 3);
    // Some are so large that a few fill a page.
    if (*rc::gen::arbitrary<bool>())
      spec.app.args = {std::string(500'000, 'x')};
    out.specs[spec.id] = spec;
  }
  return out;
}

/// What an agent that holds `base` holds after the messages.
std::map<std::string, messages::instance_spec>
receive(const machine_assignment& base, const std::vector<messages::assignment>& list) {
  auto specs = base.specs;
  for (const auto& each : list) {
    for (const auto& spec : each.put)
      specs[spec.id] = spec;
    for (const auto& id : each.removed)
      specs.erase(id);
  }
  return specs;
}

} // namespace

TEST_CASE("the messages between two assignments turn the one into the other") {
  CHECK(rc::check([] {
    auto base = random_assignment(4);
    auto target = random_assignment(5);
    auto list = messages_for(base, target);
    RC_ASSERT(receive(base, list) == target.specs);
    RC_ASSERT(list.front().digest == messages::digest_of(specs_of(target)));
    for (std::size_t i = 0; i < list.size(); ++i) {
      RC_ASSERT(list[i].part == i);
      RC_ASSERT(list[i].parts == list.size());
      RC_ASSERT(messages::to_bytes(list[i]).size() < 2 * messages::page_bytes);
    }
  }));
}

TEST_CASE("what does not differ is not sent") {
  machine_assignment held{3, {{"a", {"a"}}, {"b", {"b"}}}, {}};
  machine_assignment target{4, {{"a", {"a"}}, {"c", {"c"}}}, {}};
  auto list = messages_for(held, target);
  REQUIRE(list.size() == 1);
  CHECK(list[0].base == 3);
  REQUIRE(list[0].put.size() == 1);
  CHECK(list[0].put[0].id == "c");
  CHECK(list[0].removed == std::vector<std::string>{"b"});
}

TEST_CASE("generations rise on the machines whose instances change, and on no other") {
  small_farm farm{3};
  farm.deploy(small_farm::web(2), 1);
  std::uint64_t total = 0;
  for (const auto& [name, machine] : farm.state.machines)
    total += machine.generation;
  CHECK(total == 2);
  messages::change c;
  c.instances = {farm.state.instances.begin()->second};
  c.instances[0].seen.pid = 7;
  raise_generations(farm.state, c);
  CHECK(c.machines.empty());
  c.instances[0].goal = messages::instance_goal::run;
  raise_generations(farm.state, c);
  REQUIRE(c.machines.size() == 1);
  CHECK(c.machines[0].generation == 2);
}

TEST_CASE("instances that are to stop are not assigned") {
  small_farm farm{1};
  farm.deploy(small_farm::web(2), 1);
  auto id = farm.state.instances.begin()->first;
  farm.state.instances.at(id).goal = messages::instance_goal::stop;
  auto assigned = assignment_of(farm.state, "w1");
  CHECK(assigned.specs.size() == 1);
  CHECK_FALSE(assigned.specs.contains(id));
}

TEST_CASE("an agent is told to have gone what it may never have heard of") {
  machine_assignment held{3, {}, {}};
  machine_assignment target{5, {}, {"web-1"}};
  CHECK(messages_for(held, target).at(0).removed == std::vector<std::string>{"web-1"});
}
