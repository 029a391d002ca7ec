#include "actors/decisions/evening.hpp"
#include "test/actors/decisions/rolling_farm.hpp"

#include <doctest/doctest.h>

using namespace deployminator::actors;
using namespace deployminator::messages;

namespace {

/// A farm of one machine with two instances that two others join.
struct uneven_farm : rolling_farm {
  explicit uneven_farm(const application& app) : rolling_farm(1) {
    deploy(app, 1);
    roll_to_the_end();
    add_machine("w2");
    add_machine("w3");
  }

  decided_order even_out() {
    return give(redistribute_farm{fmt::format("even-{}", state.last_event)});
  }
};

} // namespace

TEST_CASE("what crowds on one machine moves to those that joined, new first") {
  uneven_farm farm{small_farm::web(3)};
  auto moves = moves_to_even_out(farm.state);
  REQUIRE(moves.size() == 2);
  CHECK(moves[0].from == "w1");
  CHECK(moves[0].reason == "w1 has 3 of it, w2 has 0");
  auto done = farm.even_out();
  REQUIRE(done.kept.versions.size() == 1);
  CHECK(done.kept.versions[0].version == 1);
  CHECK(farm.row().leaving.size() == 2);
  CHECK(farm.row().coming.size() == 2);
  CHECK(farm.row().purpose == "the farm is evened out: 2 instances move");
  farm.roll_to(rollout_phase::starting);
  CHECK(farm.state.instances.on_machine("w1").size() == 3);
  farm.roll_to_the_end();
  for (const auto* machine : {"w1", "w2", "w3"})
    CHECK(farm.state.instances.on_machine(machine).size() == 1);
  CHECK(farm.ready_count(1) == 3);
}

TEST_CASE("a farm that was evened out stays as it is") {
  uneven_farm farm{small_farm::web(3)};
  farm.even_out();
  farm.roll_to_the_end();
  CHECK(moves_to_even_out(farm.state).empty());
  CHECK(farm.even_out().kept.versions.empty());
  CHECK_FALSE(farm.is_rolling());
}

TEST_CASE("what drains, is out of reach, or has a rollout under way takes no part") {
  uneven_farm farm{small_farm::web(3)};
  farm.state.machines.at("w2").draining = true;
  farm.state.machines.at("w3").lost = true;
  CHECK(moves_to_even_out(farm.state).empty());
  farm.state.machines.at("w2").draining = false;
  CHECK(moves_to_even_out(farm.state).size() == 1);
  farm.deploy(small_farm::web(3), 2);
  CHECK(moves_to_even_out(farm.state).empty());
}

TEST_CASE("what is pinned, stopped, or one on each machine stays") {
  auto pinned = small_farm::web(3);
  pinned.strategy = "pinned";
  pinned.machine_groups = {"w1"};
  CHECK(moves_to_even_out(uneven_farm{pinned}.state).empty());
  auto each = small_farm::web(1);
  each.strategy = "one-per-machine";
  CHECK(moves_to_even_out(uneven_farm{each}.state).empty());
  uneven_farm farm{small_farm::web(3)};
  farm.state.groups.at(1).stopped = {"*"};
  CHECK(moves_to_even_out(farm.state).empty());
}

TEST_CASE("what is more on a machine than may be moves, also where few machines are filled") {
  uneven_farm farm{small_farm::web(3)};
  auto& app = farm.state.versions.at(1).applications.at(0);
  app.strategy = "pack";
  CHECK(moves_to_even_out(farm.state).empty());
  app.max_per_machine = 2;
  CHECK(moves_to_even_out(farm.state).size() == 1);
}

TEST_CASE("a redistribution that is aborted leaves what ran") {
  uneven_farm farm{small_farm::web(3)};
  farm.even_out();
  auto old = farm.row().leaving;
  farm.give(abort_rollout{{"stop", "shop", "web"}});
  farm.roll_to_the_end();
  for (const auto& id : old)
    CHECK(farm.state.instances.contains(id));
  CHECK(farm.ready_count(1) == 3);
}
