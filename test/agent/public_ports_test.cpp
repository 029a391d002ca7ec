#include <doctest/doctest.h>

#include <algorithm>

#include "support/agent_bench.hpp"

using namespace deployminator;
using namespace deployminator::agent;
using namespace std::chrono_literals;
using messages::instance_goal;
using messages::instance_state;
using deeds = std::vector<std::string>;

namespace {

/// An agent that is to lead port 80 to the newest `bin/web`.
struct port_bench : agent_bench {
  port_bench() {
    machine.web["http://example.org/web.tar"] = {"abc", 10, "/cache/abc"};
    machine.applications = port_settings::entries{entry(80)};
    start();
    welcome();
  }

  static messages::public_port_entry entry(std::uint16_t port) {
    return {.label = "front", .binary = "bin/web", .ports = {{1, port}}};
  }

  void assign_run(const std::vector<std::string>& ids) {
    std::vector<messages::instance_spec> wanted;
    for (const auto& id : ids)
      wanted.push_back(spec(id, instance_goal::run));
    assign(machine.saved.generation + 1, wanted);
  }

  /// These and no others are to run, and had the time to become ready or to go.
  void run(const std::vector<std::string>& ids) {
    assign_run(ids);
    pass(6s);
    believe();
  }

  std::uint16_t port_of(const std::string& id) {
    return machine.instances.at(id).granted.ports.at(0);
  }

  std::string led_to(const std::string& id) {
    return "80 to " + std::to_string(port_of(id));
  }

  messages::port_target port_80() const {
    REQUIRE(ports.list.size() == 1);
    return ports.list[0];
  }
};

} // namespace

TEST_CASE_FIXTURE(port_bench, "a port leads to an instance that is ready, not before") {
  assign_run({"a"});
  pass(1s);
  believe();
  CHECK(seen["a"].state == instance_state::running);
  CHECK(machine.rules.empty());
  CHECK(port_80().reason == "the instance that matches is not ready");
  pass(5s);
  CHECK(machine.rules == port_map{{80, port_of("a")}});
  auto reports = heard<messages::report>();
  REQUIRE_FALSE(reports.empty());
  CHECK(reports[0].seen.at(0).state == instance_state::ready);
  REQUIRE(reports[0].ports);
  CHECK(reports[0].ports->list.at(0).instance == "a");
}

TEST_CASE_FIXTURE(port_bench,
                  "a port leads to the new instance before the old one is told to stop") {
  run({"a"});
  run({"a", "b"});
  CHECK(machine.rules == port_map{{80, port_of("b")}});
  CHECK(port_80().reason == "the newest of 2 ready instances that match");
  auto to_a = led_to("a");
  run({"b"});
  CHECK(machine.deeds == deeds{to_a, led_to("b"), "a is signalled"});
  CHECK(port_80().reason == "the only ready instance that matches");
}

TEST_CASE_FIXTURE(port_bench, "a port leads away from an instance before that is told to stop") {
  run({"a"});
  run({"a", "b"});
  machine.deeds.clear();
  auto back_to_a = led_to("a");
  assign_run({"a"});
  pass(20ms);
  CHECK(machine.deeds == deeds{back_to_a, "b is signalled"});
  run({});
  CHECK(machine.deeds == deeds{back_to_a, "b is signalled", "80 to none", "a is signalled"});
  CHECK(port_80().instance == "");
  CHECK(port_80().reason == "no instance matches");
}

TEST_CASE_FIXTURE(port_bench, "so it does where one order starts an instance and stops another") {
  run({"a"});
  machine.deeds.clear();
  run({"b"});
  CHECK(machine.deeds == deeds{"80 to none", "a is signalled", led_to("b")});
}

TEST_CASE_FIXTURE(port_bench, "where nothing was ever started a port leads nowhere and says so") {
  pass(20ms);
  believe();
  CHECK(port_80().reason == "no instance matches");
}

TEST_CASE_FIXTURE(port_bench, "a port leads nowhere while its instance is restarted") {
  run({"a"});
  machine.end_program("a", 1);
  pass(20ms);
  believe();
  CHECK(machine.rules.empty());
  CHECK(port_80().reason == "the instance that matches is not ready");
  pass(10s);
  CHECK(machine.rules == port_map{{80, port_of("a")}});
}

TEST_CASE_FIXTURE(port_bench, "a restarted agent leaves the rules alone") {
  run({"a"});
  run({"a", "b"});
  machine.deeds.clear();
  crash();
  start();
  welcome();
  pass(20s);
  CHECK(machine.deeds.empty());
  CHECK(machine.rules == port_map{{80, port_of("b")}});
}

TEST_CASE_FIXTURE(port_bench, "a restarted agent mends what happened to instances in its absence") {
  run({"a"});
  run({"a", "b"});
  machine.deeds.clear();
  crash();
  machine.end_program("b", 1);
  start();
  CHECK(machine.deeds == deeds{led_to("a")});
}

TEST_CASE_FIXTURE(port_bench,
                  "what an ended agent had noted to stop serves until its port leads on") {
  run({"a"});
  run({"a", "b"});
  machine.deeds.clear();
  crash();
  // It ended between noting and doing.
  auto& record = machine.saved;
  auto b = std::find_if(record.specs.begin(), record.specs.end(),
                        [](const messages::instance_spec& each) { return each.id == "b"; });
  REQUIRE(b != record.specs.end());
  record.leaving.push_back(*b);
  record.specs.erase(b);
  start();
  CHECK(machine.deeds == deeds{led_to("a"), "b is signalled"});
}

TEST_CASE_FIXTURE(port_bench,
                  "an agent that lost its memory leaves the rules alone until it is told") {
  run({"a"});
  crash();
  machine.saved = {};
  machine.deeds.clear();
  start();
  pass(20s);
  CHECK(machine.deeds.empty());
  CHECK(machine.rules == port_map{{80, port_of("a")}});
}

TEST_CASE_FIXTURE(port_bench, "rules that somebody removed are put back within 15 s") {
  run({"a"});
  machine.rules.clear();
  pass(15s);
  CHECK(machine.rules == port_map{{80, port_of("a")}});
}

TEST_CASE_FIXTURE(port_bench,
                  "a changed configuration counts, and what it left out leads nowhere") {
  run({"a"});
  machine.applications = port_settings::entries{entry(81)};
  pass(3s);
  believe();
  CHECK(machine.rules == port_map{{81, port_of("a")}});
  CHECK(ports.list.at(0).public_port == 81);
  machine.applications = port_settings::entries{};
  pass(3s);
  believe();
  CHECK(machine.rules.empty());
  CHECK(ports == messages::public_ports{});
}

TEST_CASE_FIXTURE(port_bench,
                  "a broken configuration keeps the rules and says so until it is mended") {
  run({"a"});
  auto good = machine.applications;
  machine.applications = messages::failure{messages::failure_code::invalid, "f:3:1: wrong", {}};
  pass(3s);
  believe();
  CHECK(ports.problem == "f:3:1: wrong");
  CHECK(port_80().instance == "a");
  run({"a", "b"});
  CHECK(machine.rules == port_map{{80, port_of("b")}});
  machine.applications = good;
  pass(3s);
  believe();
  CHECK(ports.problem == "");
}

TEST_CASE_FIXTURE(port_bench, "without the right to set rules all else works, and it says so") {
  machine.no_filter = "nftables refuses";
  run({"a"});
  CHECK(seen["a"].state == instance_state::ready);
  CHECK(ports.problem == "nftables refuses");
  CHECK(port_80().instance == "");
  CHECK(port_80().reason == "nftables refuses");
  machine.no_filter.clear();
  pass(15s);
  believe();
  CHECK(ports.problem == "");
  CHECK(port_80().instance == "a");
}

TEST_CASE("a machine without public ports needs no packet filter") {
  agent_bench b;
  b.machine.no_filter = "nftables refuses";
  b.machine.web["http://example.org/web.tar"] = {"abc", 10, "/cache/abc"};
  b.start();
  b.welcome();
  b.assign(1, {b.spec("a", instance_goal::run)});
  b.pass(20s);
  b.believe();
  CHECK(b.seen["a"].state == instance_state::ready);
  CHECK(b.ports == messages::public_ports{});
}

TEST_CASE("rules for public ports that were taken out while there was no agent are removed") {
  agent_bench b;
  b.machine.rules = {{80, 4100}};
  b.start();
  b.welcome();
  b.assign(1, {});
  b.pass(20ms);
  CHECK(b.machine.rules.empty());
}
