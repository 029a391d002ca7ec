#include "actors/decisions/consequences.hpp"
#include "actors/decisions/rollout_change.hpp"
#include "test/actors/decisions/small_farm.hpp"

#include <doctest/doctest.h>

using namespace deployminator;
using namespace deployminator::actors;
using namespace deployminator::messages;

namespace {

/// Of a change that the farm then has.
consequences consequences_in(small_farm& farm, const change& c) {
  farm.make(c);
  return consequences_of(farm.state, c);
}

} // namespace

TEST_CASE("a rollout that begins concerns its machines, and its group as a whole") {
  small_farm farm{3};
  auto order = small_farm::build_of({small_farm::web(2)}, 1);
  auto c = decide(farm.state, farm.present, {},
                  {order, 1, {}, farm.plan_for(*needs(farm.state, readable_order{order}))},
                  farm.now(), 0)
             .what;
  auto follows = consequences_in(farm, c);
  CHECK(follows.machines.size() == 2);
  REQUIRE(follows.rollouts.size() == 1);
  CHECK(follows.rollouts.at(1).row);
  CHECK(follows.rollouts.at(1).instances.size() == 2);
  CHECK(follows.finished.empty());
}

TEST_CASE("what is seen of an instance concerns its group's rollout, and no machine") {
  small_farm farm{1};
  auto version = farm.deploy(small_farm::web(2), 1);
  auto id = farm.wanted(version)[0].id;
  edit c{farm.state, farm.now()};
  c.instance(id).seen.fetched = true;
  auto follows = consequences_in(farm, std::move(c).done());
  CHECK(follows.machines.empty());
  CHECK_FALSE(follows.rollouts.at(1).row);
  CHECK(follows.rollouts.at(1).instances == std::set<std::string>{id});
}

TEST_CASE("an instance that is gone concerns its group's rollout") {
  small_farm farm{1};
  auto version = farm.deploy(small_farm::web(2), 1);
  auto id = farm.wanted(version)[0].id;
  edit c{farm.state, farm.now()};
  c.erase_instance(id);
  CHECK(consequences_in(farm, std::move(c).done()).rollouts.at(1).instances
        == std::set<std::string>{id});
}

TEST_CASE("a hash that gets known concerns the group's rollout, and the machines") {
  small_farm farm{1};
  auto version = farm.deploy(small_farm::web(1), 1);
  edit c{farm.state, farm.now()};
  c.version(version).applications[0].sha256 = "ab";
  auto follows = consequences_in(farm, std::move(c).done());
  CHECK(follows.rollouts.at(1).row);
  CHECK(follows.machines == std::set<std::string>{"w1"});
}

TEST_CASE("a group without a rollout has none to be told") {
  small_farm farm{1};
  auto version = farm.deploy(small_farm::web(2), 1);
  farm.state.rollouts.clear();
  auto list = farm.wanted(version);
  edit c{farm.state, farm.now()};
  c.version(version).state = version_state::deployed;
  c.instance(list[0].id).seen.pid = 7;
  c.erase_instance(list[1].id);
  auto follows = consequences_in(farm, std::move(c).done());
  CHECK(follows.rollouts.empty());
}

TEST_CASE("a rollout that has ended is named, and not told of what changed with its end") {
  small_farm farm{1};
  auto version = farm.deploy(small_farm::web(1), 1);
  edit c{farm.state, farm.now()};
  c.version(version).state = version_state::failed;
  c.end_rollout(farm.state.rollouts.at(1), rollout_outcome::failed, "because");
  auto follows = consequences_in(farm, std::move(c).done());
  CHECK(follows.rollouts.empty());
  REQUIRE(follows.finished.size() == 1);
  CHECK(follows.finished[0].group_id == 1);
  CHECK(follows.finished[0].outcome == rollout_outcome::failed);
}
