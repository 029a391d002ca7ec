#include "actors/decisions/pinned.hpp"
#include "actors/decisions/placement.hpp"
#include "messages/digest.hpp"

#include <doctest/doctest.h>
#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <rapidcheck.h>
#include <set>
#include <tuple>

using namespace deployminator;
using namespace deployminator::actors;

namespace {

placement_request random_request() {
  placement_request out;
  out.subject = "shop/web/web";
  out.app.instances = *rc::gen::inRange(0U, 12U);
  auto machines = *rc::gen::inRange(1, 8);
  for (int i = 0; i < machines; ++i)
    out.candidates.push_back({fmt::format("w{}", i),
                              *rc::gen::weightedElement<bool>({{4, true}, {1, false}}), 1000, 0,
                              *rc::gen::inRange<std::uint64_t>(0, 5), 0});
  return out;
}

void carry_out(placement_request& request, const placement& p) {
  for (const auto& name : p.add)
    for (auto& each : request.candidates)
      if (each.machine == name) {
        ++each.own;
        ++each.instances;
      }
}

bool somebody_is_reachable(const placement_request& request) {
  return std::any_of(request.candidates.begin(), request.candidates.end(),
                     [](const candidate& each) { return each.reachable; });
}

} // namespace

TEST_CASE("placing again when everything is placed changes nothing") {
  for (auto place : {place_spread, place_one_per_machine, place_pack})
    CHECK(rc::check([&] {
      auto request = random_request();
      RC_PRE(somebody_is_reachable(request));
      carry_out(request, *place(request));
      RC_ASSERT(place(request)->add.empty());
    }));
}

TEST_CASE("the same question gets the same answer, in whatever order the machines come") {
  CHECK(rc::check([] {
    auto request = random_request();
    RC_PRE(somebody_is_reachable(request));
    auto once = place_spread(request)->add;
    std::reverse(request.candidates.begin(), request.candidates.end());
    RC_ASSERT(place_spread(request)->add == once);
  }));
}

TEST_CASE("spread places all instances, on reachable machines, as evenly as it can") {
  CHECK(rc::check([] {
    auto request = random_request();
    RC_PRE(somebody_is_reachable(request));
    auto placed = *place_spread(request);
    RC_ASSERT(placed.add.size() == request.app.instances);
    std::map<std::string, int> counts;
    for (const auto& each : request.candidates)
      if (each.reachable)
        counts[each.machine] = 0;
    for (const auto& name : placed.add)
      ++counts.at(name);
    auto [least, most] = std::minmax_element(counts.begin(), counts.end(),
                                             [](auto& a, auto& b) { return a.second < b.second; });
    RC_ASSERT(most->second - least->second <= 1);
  }));
}

namespace {

/// The machine that gets the next instance, by looking at all of them: of equal ones the first,
/// when they are counted round and round from where the application begins.
candidate& least_burdened(placement_request& request) {
  candidate* out = nullptr;
  std::vector<std::string> open;
  for (const auto& each : request.candidates)
    if (each.reachable)
      open.push_back(each.machine);
  auto digest = messages::text_digest{}.add(request.subject).value();
  auto start = ((digest * 0x9E3779B97F4A7C15 >> 32) * open.size()) >> 32;
  auto burden = [&](const candidate& each) {
    auto at = std::find(open.begin(), open.end(), each.machine) - open.begin();
    auto tie = (static_cast<std::size_t>(at) + open.size() - start) % open.size();
    return std::tuple{each.own, each.instances, tie};
  };
  for (auto& each : request.candidates)
    if (each.reachable && (!out || burden(each) < burden(*out)))
      out = &each;
  return *out;
}

} // namespace

TEST_CASE("spread puts each instance on the machine that is least burdened then") {
  CHECK(rc::check([] {
    auto request = random_request();
    for (auto& each : request.candidates)
      each.own = std::min(each.instances, *rc::gen::inRange<std::uint64_t>(0, 3));
    RC_PRE(somebody_is_reachable(request));
    auto placed = place_spread(request)->add;
    std::sort(placed.begin(), placed.end());
    std::vector<std::string> expected;
    std::uint64_t present = 0;
    for (const auto& each : request.candidates)
      present += each.own;
    for (; present < request.app.instances; ++present) {
      auto& least = least_burdened(request);
      expected.push_back(least.machine);
      ++least.own;
      ++least.instances;
    }
    std::sort(expected.begin(), expected.end());
    RC_ASSERT(placed == expected);
  }));
}

TEST_CASE("different applications begin on different machines") {
  std::set<std::string> first;
  for (int i = 0; i < 20; ++i) {
    placement_request request{fmt::format("shop/web/app-{}", i), {}, {{"a"}, {"b"}, {"c"}}};
    first.insert(place_spread(request)->add.at(0));
  }
  CHECK(first.size() == 3);
}

TEST_CASE("where instances count for each machine, spread puts so many onto each") {
  placement_request request{"shop/web/web", {}, {{"a"}, {"b"}, {"c", false}}};
  request.app.instances = 2;
  request.app.per_machine = true;
  CHECK(place_spread(request)->add == std::vector<std::string>{"a", "a", "b", "b"});
  request.candidates = {{"a", true, 0, 0, 2, 2}, {"b", true, 0, 0, 1, 1}, {"d"}};
  CHECK(place_spread(request)->add == std::vector<std::string>{"b", "d", "d"});
}

TEST_CASE("instances on machines out of reach are counted, and not placed again") {
  placement_request request{"shop/web/web", {}, {{"a", true}, {"b", false, 0, 0, 1, 1}}};
  request.app.instances = 2;
  CHECK(place_spread(request)->add == std::vector<std::string>{"a"});
}

TEST_CASE("pack fills the fullest machine that has room, then the next") {
  placement_request request;
  request.app.instances = 4;
  request.app.limits.max_memory_mb = 300;
  request.candidates = {{"w1", true, 1000, 0}, {"w2", true, 1000, 500}, {"w3", true, 1000, 800}};
  CHECK(place_pack(request)->add == std::vector<std::string>{"w2", "w1", "w1", "w1"});
}

TEST_CASE("where no machine has room, pack takes the one with the most memory left") {
  placement_request request;
  request.app.instances = 2;
  request.app.limits.max_memory_mb = 600;
  request.candidates = {{"w1", true, 1000, 900}, {"w2", true, 4000, 3500}, {"w3", true, 100, 0}};
  CHECK(place_pack(request)->add == std::vector<std::string>{"w2", "w1"});
}

TEST_CASE("pack begins a machine only when no machine in use has room") {
  CHECK(rc::check([] {
    auto request = random_request();
    request.app.limits.max_memory_mb = *rc::gen::inRange<std::uint64_t>(1, 500);
    RC_PRE(somebody_is_reachable(request));
    auto placed = *place_pack(request);
    for (const auto& name : placed.add) {
      auto chosen = std::find_if(request.candidates.begin(), request.candidates.end(),
                                 [&](const candidate& each) { return each.machine == name; });
      RC_ASSERT(chosen->reachable);
      for (const auto& other : request.candidates) {
        bool has_room = other.promised_mb + request.app.limits.max_memory_mb <= other.memory_mb;
        bool is_fuller = other.promised_mb > chosen->promised_mb;
        RC_ASSERT_FALSE(other.reachable && has_room && is_fuller);
      }
      chosen->promised_mb += request.app.limits.max_memory_mb;
    }
  }));
}

TEST_CASE("one per machine puts one on each reachable machine and later one on a new machine") {
  placement_request request{"shop/web/web", {}, {{"a"}, {"b"}, {"c", false}}};
  CHECK(place_one_per_machine(request)->add == std::vector<std::string>{"a", "b"});
  request.candidates = {{"a", true, 0, 0, 1, 1}, {"b", true, 0, 0, 1, 1}, {"d"}};
  CHECK(place_one_per_machine(request)->add == std::vector<std::string>{"d"});
}

TEST_CASE("an application whose machines are all out of reach is refused with their names' group") {
  placement_request request{"shop/web/web", {}, {{"a", false}}};
  auto refused = place_spread(request);
  REQUIRE_FALSE(refused);
  CHECK(refused.error().message
        == "shop/web/web cannot be placed: all 1 machines of worker are out of reach");
}

TEST_CASE("where nothing is lacking nobody has to be within reach") {
  placement_request request{"shop/web/web", {}, {{"a", false, 0, 0, 1, 1}}};
  for (auto place : {place_spread, place_one_per_machine})
    CHECK(place(request)->add.empty());
  request.candidates[0].own = 0;
  request.app.instances = 0;
  for (auto place : {place_spread, place_one_per_machine})
    CHECK(place(request)->add.empty());
}

TEST_CASE("a machine is eligible when it is in one of the application's machine groups") {
  messages::machine machine{.name = "w1", .groups = {"blue", "worker"}};
  messages::application app;
  CHECK(is_eligible(machine, app));
  app.machine_groups = {"db", "blue"};
  CHECK(is_eligible(machine, app));
  app.machine_groups = {"db"};
  CHECK_FALSE(is_eligible(machine, app));
}

TEST_CASE("pinned spreads over the machines that are named, whatever groups they are in") {
  messages::application app;
  app.strategy = "pinned";
  app.machine_groups = {"w1", "w2"};
  CHECK(is_eligible({.name = "w1", .groups = {"worker"}}, app));
  CHECK_FALSE(is_eligible({.name = "w3", .groups = {"w1"}}, app));
  app.instances = 3;
  placement_request request{"shop/web/web", app, {{"w1", true, 0, 0, 5, 0}, {"w2"}}};
  auto placed = *place_pinned(request);
  CHECK(std::count(placed.add.begin(), placed.add.end(), "w2") == 2);
  CHECK(placed.add.size() == 3);
  CHECK(placed.reason == "w1, w2 named");
}

TEST_CASE("spread begins with one on each machine") {
  placement_request request{"shop/web/web", {}, {{"a"}, {"b"}}};
  request.app.instances = 4;
  auto placed = place_spread(request)->add;
  REQUIRE(placed.size() == 4);
  CHECK(placed[0] != placed[1]);
  CHECK(placed[2] != placed[3]);
}

TEST_CASE(
  "no machine gets more of an application than deploy.yaml allows, and the rest is told of") {
  placement_request request{"shop/web/web", {}, {{"a"}, {"b", true, 0, 0, 1, 1}}};
  request.app.instances = 5;
  request.app.max_per_machine = 2;
  for (auto place : {place_spread, place_pack}) {
    auto placed = place(request);
    REQUIRE(placed);
    CHECK(placed->add.size() == 3);
    CHECK(std::count(placed->add.begin(), placed->add.end(), "a") == 2);
    CHECK(placed->is_short);
    CHECK(placed->reason.ends_with(
      "; 4 of 5 placed: machine group worker has 2 machines, with 2 on each at most"));
  }
  request.app.instances = 4;
  CHECK_FALSE(place_spread(request)->is_short);
  request.app.per_machine = true;
  CHECK(place_spread(request)->add == std::vector<std::string>{"a", "a", "b"});
}

TEST_CASE("where memory is counted no machine is promised more than it has") {
  placement_request request{"shop/web/web", {}, {{"a", true, 1000, 400, 1, 0}, {"b", true, 1000}}};
  request.app.instances = 4;
  request.app.limits.max_memory_mb = 500;
  CHECK(place_spread(request)->add.size() == 4);
  request.overcommit_percent = 100;
  for (auto place : {place_spread, place_pack}) {
    auto placed = place(request);
    REQUIRE(placed);
    CHECK(placed->add.size() == 3);
    CHECK(std::count(placed->add.begin(), placed->add.end(), "a") == 1);
    CHECK(placed->is_short);
    CHECK(placed->reason.ends_with("; 3 of 4 placed: machine group worker has 2 machines; 500 MB "
                                   "for another one are left on none of 2 machines"));
  }
  request.overcommit_percent = 150;
  CHECK(place_spread(request)->add.size() == 4);
  CHECK_FALSE(place_spread(request)->is_short);
}

TEST_CASE("what finds room on no machine is refused, with what there is") {
  placement_request request{"shop/web/web", {}, {{"a", true, 1000, 800, 1, 0}}};
  request.app.limits.max_memory_mb = 500;
  request.overcommit_percent = 100;
  for (auto place : {place_spread, place_pack, place_one_per_machine}) {
    auto refused = place(request);
    REQUIRE_FALSE(refused);
    const auto& said = refused.error().message;
    CHECK(said.starts_with(
      "shop/web/web cannot be placed: 0 of 1 placed: machine group worker has 1 machine"));
    CHECK(said.ends_with("; 500 MB for another one are left on none of 1 machine"));
  }
}
