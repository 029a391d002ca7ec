#include "actors/decisions/placement.hpp"

#include <doctest/doctest.h>
#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <rapidcheck.h>

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
                              *rc::gen::weightedElement<bool>({{4, true}, {1, false}}), 1000,
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
  for (auto place : {place_spread, place_one_per_machine})
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

TEST_CASE("one per machine puts one on each reachable machine and later one on a new machine") {
  placement_request request{"shop/web/web", {}, {{"a"}, {"b"}, {"c", false}}};
  CHECK(place_one_per_machine(request)->add == std::vector<std::string>{"a", "b"});
  request.candidates = {{"a", true, 0, 1, 1}, {"b", true, 0, 1, 1}, {"d"}};
  CHECK(place_one_per_machine(request)->add == std::vector<std::string>{"d"});
}

TEST_CASE("an application whose machines are all out of reach is refused with their names' group") {
  placement_request request{"shop/web/web", {}, {{"a", false}}};
  auto refused = place_spread(request);
  REQUIRE_FALSE(refused);
  CHECK(refused.error().message
        == "shop/web/web cannot be placed: all 1 machines of worker are out of reach");
}

TEST_CASE("a machine group that no machine has is refused, and the groups there are named") {
  messages::farm farm;
  farm.machines["w1"] = {"w1", "", {"worker"}};
  messages::application app;
  app.name = "web";
  app.machine_groups = {"database"};
  auto refused = placement_request_for(farm, {"w1"}, "shop/web", 0, app);
  REQUIRE_FALSE(refused);
  CHECK(refused.error().message
        == "shop/web/web cannot be placed: no machine is in the machine group database");
  CHECK(refused.error().hint == "there are: worker");
}
