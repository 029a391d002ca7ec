#include <doctest/doctest.h>
#include <fmt/format.h>

#include <array>
#include <string>

#include "simulation/farm.hpp"

/// What the simulation found once, each around the moment at which it happened.

using namespace deployminator::simulation;
using deployminator::messages::submit_build;
using deployminator::messages::undeploy;

namespace {

std::string file(std::string_view behaves) {
  return fmt::format(R"(namespace: shop
groups:
  - groupid: g
    applications:
      - name: app
        downloadurl: http://web/app-${{BUILDID}}.tar
        binary: app
        args: ["--behave={}", "--min-ready=500", "--port=${{PORT1}}"]
        strategy: one-per-machine
        rollout: {{parallel: 100%, min_ready: 500ms, deadline: 60s}}
        restart: {{backoff: 1s..8s, give_up_after: never}}
)",
                     behaves);
}

order_plan build(moment at, std::uint64_t number, std::string_view behaves = "good") {
  submit_build order;
  order.order_id = fmt::format("order-{}", number);
  order.file_name = "deploy.yaml";
  order.file = file(behaves);
  order.build = number;
  return {at, 0, order.order_id, order, fmt::format("build {}", number)};
}

/// Three machines and a build on each of them; nothing goes wrong yet.
plan three_machines(std::uint64_t seed = 1) {
  plan p;
  p.seed = seed;
  for (const auto* name : {"m1", "m2", "m3"})
    p.machines.push_back({name, {"worker"}, moment{0}, {}, false});
  p.orders.push_back(build(8s, 1));
  p.calm = 100s;
  p.end = 200s;
  return p;
}

void check_kept(const plan& p) {
  auto out = run(p);
  if (!out.broken)
    return;
  std::string faults;
  for (const auto& each : p.faults)
    faults += to_text(each) + "\n";
  FAIL_CHECK("seed " << p.seed << ": " << out.broken->rule << ": " << out.broken->what << "\n"
                     << faults);
}

} // namespace

TEST_CASE("an agent may come back at any moment around the one at which it counts as lost") {
  constexpr moment step = 4ms;
  for (int i = 0; i < 1000; ++i) {
    auto late = i % 250 * step;
    auto p = three_machines(1 + static_cast<std::uint64_t>(i / 250));
    // So many messages that it is killed in its sleep, two seconds later.
    p.faults.push_back({1, fault_kind::agent_dies, 40s + late, 1s, "m2", 1000});
    p.orders.push_back(build(70s, 2));
    p.end = 110s;
    check_kept(p);
  }
}

TEST_CASE("an agent may come back at any moment around the one at which a new server misses it") {
  constexpr moment step = 1ms;
  for (int i = 0; i < 60; ++i) {
    auto p = three_machines();
    // The server is killed in its sleep and starts at 42 s. Five seconds later it takes machines
    // for lost that are not back.
    p.faults.push_back({1, fault_kind::server_dies, 40s, 1s, "", 1000});
    p.faults.push_back({2, fault_kind::agent_dies, 39s, 7940ms + i * step, "m1", 0});
    p.orders.push_back(build(70s, 2));
    p.end = 110s;
    check_kept(p);
  }
}

TEST_CASE("a restart is counted wherever in it the agent is killed") {
  for (moment late{0}; late < 40ms; late += 1ms) {
    auto p = three_machines();
    p.faults.push_back({1, fault_kind::program_ends, 40s, 0s, "m2", 0});
    p.faults.push_back({2, fault_kind::program_ends, 60s, 0s, "m2", 0});
    p.faults.push_back({3, fault_kind::agent_dies, 61s + late, 1s, "m2", 0});
    check_kept(p);
  }
}

TEST_CASE("a server that was ousted behind its back ends, and what leads after it is seen") {
  for (std::uint64_t seed = 1; seed <= 20; ++seed) {
    auto p = three_machines(seed);
    p.faults.push_back({1, fault_kind::takeover, 40s, 0s, "", 0});
    p.faults.push_back({2, fault_kind::takeover, 41s, 0s, "", 0});
    check_kept(p);
  }
}

TEST_CASE("releases that know different keys work together, in whatever order they come") {
  std::array<std::string, 4> hosts{"server", "m1", "m2", "m3"};
  for (std::size_t first = 0; first < hosts.size(); ++first) {
    auto p = three_machines(1 + first);
    for (std::uint32_t i = 0; i < hosts.size(); ++i)
      p.faults.push_back(
        {i + 1, fault_kind::upgraded, 20s + i * 10s, 500ms, hosts[(first + i) % hosts.size()], 0});
    p.orders.push_back(build(35s, 2));
    p.orders.push_back(build(70s, 3));
    check_kept(p);
  }
}

TEST_CASE(
  "hundreds of machines are soon in sync after the server was paused and killed under load") {
  auto p = three_machines();
  p.machines.clear();
  for (int i = 1; i <= 300; ++i)
    p.machines.push_back({fmt::format("m{}", i), {"worker"}, moment{0}, {}, false});
  p.orders.push_back(build(60s, 2));
  p.faults.push_back({1, fault_kind::freeze, 61s, 6s, "server", 0});
  p.orders.push_back(build(90s, 3));
  p.faults.push_back({2, fault_kind::server_dies, 91s, 1s, "", 500});
  // So long after that a build takes alone, everything has to be as it should.
  p.calm = 100s;
  p.end = 120s;
  check_kept(p);
}

TEST_CASE("an undeploy is carried out though a build that fails supersedes it at once") {
  for (moment late{0}; late < 15ms; late += 500us) {
    auto p = three_machines();
    p.orders.push_back({40s, 0, "order-u", undeploy{"order-u", "shop", "g"}, "undeploy"});
    p.orders.push_back(build(40s + late, 2, "broken"));
    p.orders.back().client = 1;
    check_kept(p);
  }
}

TEST_CASE("a machine that joins while the database fails gets its instance") {
  for (std::uint64_t seed = 1; seed <= 60; ++seed) {
    auto p = three_machines(seed);
    p.machines[2].joins = 40s;
    p.faults.push_back({1, fault_kind::commits_fail, 38s, 20s, "", 0});
    check_kept(p);
  }
}

TEST_CASE("an application that cannot be placed keeps no other of its group from a machine") {
  auto p = three_machines();
  p.machines[0].groups.push_back("db");
  p.machines[2].joins = 60s;
  auto& order = std::get<submit_build>(p.orders[0].body);
  order.file += R"(      - name: beside
        downloadurl: http://web/beside-${BUILDID}.tar
        binary: beside
        args: ["--behave=good", "--min-ready=500"]
        machines: db
        rollout: {parallel: 100%, min_ready: 500ms, deadline: 60s}
)";
  SUBCASE("where no machine is in its machine group") {
    p.faults.push_back({1, fault_kind::regrouped, 30s, 0s, "m1", 0});
    check_kept(p);
  }
  SUBCASE("where those that are, are out of reach") {
    p.machines[0].leaves = 30s;
    check_kept(p);
  }
}

TEST_CASE("reports that overtake each other leave no old state behind") {
  for (std::uint64_t seed = 1; seed <= 40; ++seed) {
    auto p = three_machines(seed);
    p.orders.push_back(build(40s, 2));
    p.faults.push_back({1, fault_kind::slow_network, 30s, 60s, "*", 1});
    check_kept(p);
    CHECK(run(p).failures == 0);
  }
}
