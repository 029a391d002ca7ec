#include "agent/decisions/public_ports.hpp"

#include <doctest/doctest.h>
#include <fmt/format.h>

#include <algorithm>
#include <rapidcheck.h>

using namespace deployminator::agent;
using namespace deployminator::messages;

namespace {

public_port_entry web_on(std::vector<public_port_mapping> ports) {
  return {.label = "front", .binary = "web", .ports = std::move(ports)};
}

/// A ready instance of binary `web` since `ready_at`.
port_candidate ready(const std::string& id, std::int64_t ready_at,
                     std::vector<std::uint16_t> ports = {4100}) {
  instance_spec spec;
  spec.id = id;
  spec.namespace_ = "shop";
  spec.group = "front";
  spec.version = 3;
  spec.goal = instance_goal::run;
  spec.app.name = "web";
  spec.app.binary = "web";
  spec.app.repository = "shop-web";
  observation seen;
  seen.id = id;
  seen.state = instance_state::ready;
  seen.ready_at = {ready_at};
  seen.ports = std::move(ports);
  return {std::make_shared<const instance_spec>(spec), seen};
}

port_candidates all_of(std::vector<port_candidate> each) {
  port_candidates out;
  for (auto& one : each)
    out.emplace(one.spec->id, one);
  return out;
}

/// Where port 80 leads, by an entry that asks for the first port.
port_target target(const port_candidates& instances) {
  auto targets = choose_targets({web_on({{1, 80}})}, instances);
  REQUIRE(targets.size() == 1);
  return targets[0];
}

template <class Change>
port_candidate changed(port_candidate each, Change change) {
  auto spec = *each.spec;
  change(spec, *each.seen);
  each.spec = std::make_shared<const instance_spec>(spec);
  return each;
}

} // namespace

TEST_CASE("a public port leads to the port of its index, counted from 1") {
  auto instances = all_of({ready("a", 1, {4100, 4101})});
  auto targets = choose_targets({web_on({{2, 443}, {1, 80}})}, instances);
  REQUIRE(targets.size() == 2);
  CHECK(targets[0]
        == port_target{80, "front", "a", "shop", "front", 3, "web", 4100,
                       "the only ready instance that matches"});
  CHECK(targets[1].public_port == 443);
  CHECK(targets[1].port == 4101);
  CHECK(map_of(targets) == port_map{{80, 4100}, {443, 4101}});
}

TEST_CASE("an instance matches where all that is given is its own") {
  auto spec = *ready("a", 1).spec;
  public_port_entry all{"", "shop-web", "web", "front", "shop", {}};
  CHECK(matches(all, spec));
  for (auto part : {&public_port_entry::repository, &public_port_entry::binary,
                    &public_port_entry::group, &public_port_entry::namespace_}) {
    auto other = all;
    other.*part = "another";
    CHECK_FALSE(matches(other, spec));
    other.*part = "";
    CHECK(matches(other, spec));
  }
}

TEST_CASE("where no instance matches, or none is ready, the port leads nowhere and says why") {
  CHECK(target({})
        == port_target{.public_port = 80, .label = "front", .reason = "no instance matches"});
  auto starting
    = changed(ready("a", 1), [](auto&, auto& seen) { seen.state = instance_state::running; });
  CHECK(target(all_of({starting})).reason == "the instance that matches is not ready");
  auto fetched
    = changed(ready("b", 1), [](auto& spec, auto&) { spec.goal = instance_goal::fetch; });
  CHECK(target(all_of({starting, fetched})).reason
        == "none of the 2 instances that match is ready");
  CHECK(map_of(choose_targets({web_on({{1, 80}})}, all_of({starting, fetched}))).empty());
  auto stopping
    = changed(ready("c", 1), [](auto& spec, auto&) { spec.goal = instance_goal::stop; });
  CHECK(target(all_of({stopping})).reason == "the last instance that matched is told to stop");
  CHECK(target(all_of({starting, stopping})).reason == "the instance that matches is not ready");
}

TEST_CASE("a port that the instance does not have leads nowhere and says so") {
  auto targets = choose_targets({web_on({{1, 80}, {3, 443}})}, all_of({ready("a", 1, {4100})}));
  CHECK(targets[0].port == 4100);
  CHECK(targets[1].port == 0);
  CHECK(targets[1].instance == "");
  CHECK(targets[1].reason
        == "portindex is 3, but a, the newest ready instance that matches, has 1 port");
}

TEST_CASE("of ten that match the one that became ready last is led to") {
  std::vector<port_candidate> ten;
  for (int i = 0; i < 10; ++i)
    ten.push_back(ready(fmt::format("i{}", i), 100 + (i * 7) % 10));
  auto chosen = target(all_of(ten));
  CHECK(chosen.instance == "i7");
  CHECK(chosen.reason == "the newest of 10 ready instances that match");
}

TEST_CASE(
  "of those that became ready at the same moment the higher version, then the id, decides") {
  auto old_version = changed(ready("z", 5), [](auto& spec, auto&) { spec.version = 2; });
  CHECK(target(all_of({old_version, ready("b", 5), ready("a", 5)})).instance == "b");
}

TEST_CASE("while the packet filter is stuck a port leads where it did, new ones nowhere") {
  auto before = choose_targets({web_on({{1, 80}})}, all_of({ready("a", 1)}));
  auto wanted = choose_targets({web_on({{1, 80}, {1, 81}})}, all_of({ready("b", 2, {4200})}));
  auto now = while_stuck(wanted, before, "no right");
  CHECK(now[0].instance == "a");
  CHECK(now[0].port == 4100);
  CHECK(now[0].reason == "no right");
  CHECK(now[1] == port_target{.public_port = 81, .label = "front", .reason = "no right"});
}

namespace {

port_candidate any_candidate(const std::string& id) {
  return changed(ready(id, *rc::gen::inRange<std::int64_t>(0, 4),
                       *rc::gen::container<std::vector<std::uint16_t>>(
                         rc::gen::inRange<std::uint16_t>(4100, 4110))),
                 [](auto& spec, auto& seen) {
                   spec.version = *rc::gen::inRange<std::uint64_t>(1, 3);
                   spec.goal = *rc::gen::element(instance_goal::run, instance_goal::run,
                                                 instance_goal::fetch, instance_goal::stop);
                   spec.app.binary = *rc::gen::element<std::string>("web", "web", "db");
                   seen.state = *rc::gen::element(instance_state::ready, instance_state::ready,
                                                  instance_state::running, instance_state::failed);
                 });
}

port_candidates any_candidates() {
  port_candidates out;
  for (auto n = *rc::gen::inRange(0, 8); n > 0; --n) {
    auto id = fmt::format("i{}", n);
    out.emplace(id, any_candidate(id));
    if (*rc::gen::inRange(0, 5) == 0)
      out.at(id).seen.reset();
  }
  return out;
}

} // namespace

TEST_CASE("whatever the instances, a port leads to a ready one that matches, or says why not") {
  CHECK(rc::check([] {
    auto instances = any_candidates();
    auto entry = web_on({{*rc::gen::inRange<std::uint32_t>(1, 4), 80}});
    auto chosen = choose_targets({entry}, instances).at(0);
    RC_ASSERT(!chosen.reason.empty());
    if (chosen.instance.empty()) {
      RC_ASSERT(chosen.port == 0);
      return;
    }
    const auto& [spec, seen] = instances.at(chosen.instance);
    RC_ASSERT(matches(entry, *spec));
    RC_ASSERT(spec->goal == instance_goal::run);
    RC_ASSERT(seen->state == instance_state::ready);
    RC_ASSERT(chosen.port == seen->ports.at(entry.ports[0].port_index - 1));
    for (const auto& [id, each] : instances)
      if (each.seen && each.seen->state == instance_state::ready && matches(entry, *each.spec)
          && each.spec->goal == instance_goal::run)
        RC_ASSERT(each.seen->ready_at <= seen->ready_at);
  }));
}

TEST_CASE("an instance that cannot serve changes nothing about where ports lead") {
  CHECK(rc::check([] {
    auto instances = any_candidates();
    auto entry = web_on({{1, 80}});
    auto before = map_of(choose_targets({entry}, instances));
    auto useless = any_candidate("useless");
    useless.seen->state = instance_state::running;
    instances.emplace("useless", useless);
    RC_ASSERT(map_of(choose_targets({entry}, instances)) == before);
  }));
}
