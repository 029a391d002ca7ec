#include "actors/decisions/retention.hpp"
#include "test/actors/decisions/rolling_farm.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <rapidcheck.h>
#include <set>

using namespace deployminator;
using namespace deployminator::actors;
using namespace deployminator::messages;

namespace {

/// Everybody obeys, and no more than two versions are kept.
void roll_to_the_end(rolling_farm& farm) {
  for (int i = 0; i < 50 && farm.is_rolling(); ++i) {
    farm.make(carry_out(farm.state, rolling_farm::group_id, farm.decide_step(), farm.now(), 2));
    farm.obey_all();
  }
}

std::set<std::uint64_t> versions(const rolling_farm& farm) {
  std::set<std::uint64_t> out;
  for (const auto& [id, each] : farm.state.versions)
    out.insert(id);
  return out;
}

using numbers = std::set<std::uint64_t>;

} // namespace

TEST_CASE("of a group the versions that were deployed last are kept") {
  rolling_farm farm{2};
  for (std::uint64_t build = 1; build <= 4; ++build) {
    farm.deploy(small_farm::web(1), build);
    roll_to_the_end(farm);
  }
  CHECK(versions(farm) == numbers{3, 4});
  auto gone = farm.give(roll_to_version{"back", "shop", "web", 2});
  REQUIRE(gone.refused);
  CHECK(gone.refused->message
        == "version 2 is gone: the server keeps the last versions of a group only");
  CHECK(farm.give(roll_to_version{"back", "shop", "web", 9}).refused->message
        == "group shop/web has no version 9");
  CHECK_FALSE(farm.give(roll_to_version{"rollback", "shop", "web", 0}).refused);
  roll_to_the_end(farm);
  CHECK(farm.group().deployed_version == 3);
}

TEST_CASE("a version that something runs of is kept, and the newest number of all") {
  rolling_farm farm{2};
  auto deploy = [&](std::uint64_t build) {
    farm.deploy(small_farm::web(1), build);
    farm.roll_to_the_end();
  };
  deploy(1);
  auto left = farm.state.instances.at(farm.ids().front());
  for (std::uint64_t build = 2; build <= 5; ++build)
    deploy(build);
  auto forgotten = [&](std::size_t keep) {
    numbers out;
    for (const auto& each : forgotten_versions(farm.state, rolling_farm::group_id, keep))
      out.insert(each.id);
    return out;
  };
  CHECK(forgotten(2) == numbers{1, 2, 3});
  CHECK(forgotten(10).empty());
  // It stops when its machine is back.
  left.goal = instance_goal::stop;
  farm.state.instances.put(left);
  CHECK(forgotten(2) == numbers{2, 3});
  farm.give(roll_to_version{"back", "shop", "web", 2});
  farm.roll_to_the_end();
  CHECK(farm.group().deployed_version == 2);
  CHECK(forgotten(1) == numbers{1, 3, 4});
}

TEST_CASE("of those that never were deployed the newest are kept") {
  rolling_farm farm{2};
  farm.deploy(small_farm::web(1), 1);
  roll_to_the_end(farm);
  for (std::uint64_t build = 2; build <= 6; ++build) {
    farm.deploy(small_farm::web(1), build);
    farm.roll_to(rollout_phase::starting);
    farm.fail(farm.row().coming.front());
    roll_to_the_end(farm);
  }
  CHECK(versions(farm) == numbers{1, 5, 6});
}

TEST_CASE("whatever is forgotten, nothing refers to it, and no number comes twice") {
  rc::check([] {
    rolling_farm farm{2};
    std::uint64_t highest = 0;
    for (int i = 0; i < 20; ++i) {
      auto n = *rc::gen::inRange(0, 4);
      if (n < 2) {
        auto v = farm.deploy(small_farm::web(1), static_cast<std::uint64_t>(i) + 1);
        RC_ASSERT(v > highest);
        highest = v;
        if (n == 1) {
          farm.roll_to(rollout_phase::starting);
          farm.fail(farm.row().coming.front());
        }
      } else if (!farm.state.groups.empty()) {
        farm.give(roll_to_version{fmt::format("back-{}", i), "shop", "web", 0});
      }
      if (!farm.state.groups.empty() && *rc::gen::inRange(0, 3) > 0)
        roll_to_the_end(farm);
      for (const auto& [id, each] : farm.state.instances)
        RC_ASSERT(farm.state.versions.contains(each.version_id));
      for (const auto& [id, g] : farm.state.groups)
        for (auto used : {g.deployed_version, g.pending_version})
          RC_ASSERT(used == 0 || farm.state.versions.contains(used));
    }
  });
}
