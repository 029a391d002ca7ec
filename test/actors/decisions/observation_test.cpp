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

TEST_CASE("a report of many instances changes each once, and no assignment") {
  small_farm farm{1};
  auto version = farm.deploy(small_farm::web(3), 1);
  report news{1};
  for (const auto& each : farm.wanted(version))
    news.seen.push_back(seen_of(each, instance_state::downloading));
  auto c = observe(farm.state, "w1", news, farm.now());
  CHECK(c.instances.size() == 3);
  CHECK(c.machines.empty());
  for (const auto& each : c.instances)
    CHECK(each.revision == 1);
}

TEST_CASE("what nobody wants to hear of is kept without being told") {
  small_farm farm{1};
  auto version = farm.deploy(small_farm::web(1), 1);
  auto seen = farm.wanted(version)[0].seen;
  seen.uid = 1000;
  seen.pid = 17;
  auto c = observe(farm.state, "w1", {1, false, {seen}, {}}, farm.now());
  CHECK(c.events.empty());
  CHECK(c.instances.at(0).seen == seen);
}

TEST_CASE("how a program ended is not forgotten by an agent that could not write it down") {
  small_farm farm{1};
  auto id = farm.wanted(farm.deploy(small_farm::web(1), 1))[0].id;
  auto ended = seen_of(farm.state.instances.at(id), instance_state::failed);
  ended.exit = 28;
  farm.make(observe(farm.state, "w1", {1, false, {ended}, {}}, farm.now()));
  auto again = seen_of(farm.state.instances.at(id), instance_state::ready);
  again.exit.reset();
  report full{2, true, {again}, {}};
  farm.make(observe(farm.state, "w1", full, farm.now()));
  CHECK(farm.state.instances.at(id).seen.state == instance_state::ready);
  CHECK(farm.state.instances.at(id).seen.exit == 28);
  CHECK(is_empty(observe(farm.state, "w1", full, farm.now())));
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

TEST_CASE("a hash that is pinned or given stays, whatever is fetched later") {
  small_farm farm{1};
  auto app = small_farm::web(2);
  app.sha256 = std::string(64, 'a');
  auto version = farm.deploy(app, 1);
  auto seen = farm.wanted(version)[0].seen;
  seen.sha256 = std::string(64, 'b');
  auto c = observe(farm.state, "w1", {1, false, {seen}, {}}, farm.now());
  CHECK(c.versions.empty());
  CHECK(told<rollout_step>(c).empty());
}

TEST_CASE("of two hashes in one report the first is pinned") {
  small_farm farm{1};
  auto version = farm.deploy(small_farm::web(2), 1);
  report news{1};
  for (const auto& each : farm.wanted(version))
    news.seen.push_back(each.seen);
  news.seen[0].sha256 = std::string(64, 'a');
  news.seen[1].sha256 = std::string(64, 'b');
  auto c = observe(farm.state, "w1", news, farm.now());
  REQUIRE(c.versions.size() == 1);
  CHECK(c.versions[0].applications[0].sha256 == std::string(64, 'a'));
  CHECK(told<rollout_step>(c).size() == 1);
}

TEST_CASE("an instance disappears only when it was to stop and is gone") {
  small_farm farm{1};
  auto version = farm.deploy(small_farm::web(1), 1);
  auto row = farm.wanted(version)[0];
  report news{1, false, {}, {seen_of(row, instance_state::stopped)}};
  CHECK(is_empty(observe(farm.state, "w1", news, farm.now())));
  farm.set_goal(row.id, instance_goal::stop);
  auto c = observe(farm.state, "w1", news, farm.now());
  CHECK(c.gone_instances == std::vector<gone_instance>{{row.id, 1}});
  CHECK(told<instance_change>(c).at(0).to == instance_state::stopped);
}

TEST_CASE("an instance that was to stop and is missing from a full report is gone") {
  small_farm farm{1};
  auto version = farm.deploy(small_farm::web(2), 1);
  auto id = farm.wanted(version)[0].id;
  farm.set_goal(id, instance_goal::stop);
  auto c = observe(farm.state, "w1", {1, true, {}, {}}, farm.now());
  CHECK(c.gone_instances == std::vector<gone_instance>{{id, 1}});
}

namespace {

report ports_report(std::vector<port_target> list, std::string problem = {}) {
  report news{1};
  news.ports = public_ports{std::move(list), std::move(problem)};
  return news;
}

port_target port_80(std::string instance, std::uint16_t port) {
  return {80, "front", std::move(instance), "shop", "web", 7, "web", port, "because"};
}

port_change told_of_port(const change& c) {
  REQUIRE(c.events.size() == 1);
  return std::get<port_change>(c.events[0].what);
}

} // namespace

TEST_CASE("a public port that leads to another instance is told once, as an event of its group") {
  small_farm farm{1};
  farm.make(observe(farm.state, "w1", ports_report({port_80("a", 4100)}), farm.now()));
  auto news = ports_report({port_80("b", 4101)});
  auto c = observe(farm.state, "w1", news, farm.now());
  CHECK(told_of_port(c) == port_change{"w1", 80, "front", "a", "b", 4101, "because"});
  CHECK(c.events[0].group == "web");
  CHECK(c.events[0].version == 7);
  farm.make(c);
  CHECK(is_empty(observe(farm.state, "w1", news, farm.now())));
}

TEST_CASE("a public port that leads nowhere any more is told as an event of the group it led to") {
  small_farm farm{1};
  farm.make(observe(farm.state, "w1", ports_report({port_80("a", 4100)}), farm.now()));
  port_target nowhere{.public_port = 80, .label = "front", .reason = "no instance matches"};
  auto c = observe(farm.state, "w1", ports_report({nowhere}), farm.now());
  CHECK(told_of_port(c) == port_change{"w1", 80, "front", "a", "", 0, "no instance matches"});
  CHECK(c.events[0].group == "web");
}

TEST_CASE("a public port that is not configured any more is told") {
  small_farm farm{1};
  farm.make(observe(farm.state, "w1", ports_report({port_80("a", 4100)}), farm.now()));
  auto c = observe(farm.state, "w1", ports_report({}), farm.now());
  CHECK(told_of_port(c).to == "");
  CHECK(told_of_port(c).reason == "it is not configured any more");
  farm.make(c);
  CHECK(farm.state.machines.at("w1").ports.list.empty());
}

TEST_CASE("that a public port has another reason is known and no event") {
  small_farm farm{1};
  farm.make(observe(farm.state, "w1", ports_report({port_80("a", 4100)}), farm.now()));
  auto now = port_80("a", 4100);
  now.reason = "another";
  auto c = observe(farm.state, "w1", ports_report({now}), farm.now());
  CHECK(c.events.empty());
  CHECK(c.machines.at(0).ports.list.at(0).reason == "another");
}

TEST_CASE("why public ports cannot be kept is told, and when they can again") {
  small_farm farm{1};
  auto c = observe(farm.state, "w1", ports_report({}, "config.yaml:3:1: wrong"), farm.now());
  CHECK(std::get<port_problem>(c.events.at(0).what).reason == "config.yaml:3:1: wrong");
  farm.make(c);
  c = observe(farm.state, "w1", ports_report({}), farm.now());
  CHECK(std::get<port_problem>(c.events.at(0).what).reason == "");
}

TEST_CASE("a report without public ports leaves them as they are") {
  small_farm farm{1};
  farm.make(observe(farm.state, "w1", ports_report({port_80("a", 4100)}), farm.now()));
  CHECK(is_empty(observe(farm.state, "w1", report{2}, farm.now())));
}

namespace {

report troubles_report(std::vector<machine_trouble> list) {
  report news{1};
  news.troubles = std::move(list);
  return news;
}

} // namespace

TEST_CASE("a trouble of a machine is told when it begins and when it is over") {
  small_farm farm{1};
  auto news = troubles_report({{"the disk is full", {5}, "make room"}});
  auto c = observe(farm.state, "w1", news, farm.now());
  CHECK(told<trouble_change>(c)
        == std::vector<trouble_change>{{"w1", "the disk is full", {5}, "make room", false}});
  farm.make(c);
  CHECK(farm.state.machines.at("w1").troubles == *news.troubles);
  CHECK(is_empty(observe(farm.state, "w1", news, farm.now())));
  CHECK(is_empty(observe(farm.state, "w1", report{2}, farm.now())));
  auto other = troubles_report({{"the clock is off", {6}, "set it"}});
  c = observe(farm.state, "w1", other, farm.now());
  CHECK(told<trouble_change>(c)
        == std::vector<trouble_change>{{"w1", "the clock is off", {6}, "set it", false},
                                       {"w1", "the disk is full", {5}, "make room", true}});
}

TEST_CASE("a full report that says nothing of troubles knows of none") {
  small_farm farm{1};
  farm.make(
    observe(farm.state, "w1", troubles_report({{"the disk is full", {5}, ""}}), farm.now()));
  auto c = observe(farm.state, "w1", report{2, true}, farm.now());
  REQUIRE(told<trouble_change>(c).size() == 1);
  CHECK(told<trouble_change>(c)[0].over);
}
