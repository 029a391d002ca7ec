#include "actors/decisions/upkeep.hpp"
#include "test/actors/decisions/rolling_farm.hpp"

#include <doctest/doctest.h>

using namespace deployminator;
using namespace deployminator::actors;
using namespace deployminator::messages;

namespace {

application job(std::uint32_t instances = 1) {
  auto app = small_farm::web(instances);
  app.always_on = false;
  app.restart.policy = restart_policy::on_failure;
  return app;
}

/// A farm on which version 1 of `shop/web` was deployed, whose jobs may get on.
struct working_farm : rolling_farm {
  working_farm(int machines, const application& app) : rolling_farm(machines) {
    deploy(app, 1);
    roll_to_the_end();
  }

  /// Each instance that runs is in this state.
  void be(instance_state state, std::optional<int> exit = {}) {
    for (const auto& id : ids())
      change_seen(id, [&](observation& seen) {
        seen.state = state;
        seen.exit = exit;
        seen.started_at = messages::timestamp{1'500'000};
      });
  }

  void drain(const std::string& machine) {
    give(drain_machine{"drain", machine});
  }

  upkeep keep() {
    auto out = decide_upkeep(state, group_id, plan_for(upkeep_wishes(state, group_id)),
                             "something happened", now());
    make(out.what);
    return out;
  }

  void roll_back() {
    give(roll_to_version{"back", "shop", "web", 0});
    roll_to_the_end();
  }
};

bool does_nothing(const upkeep& u) {
  return u.what.instances.empty() && u.what.rollouts.empty();
}

} // namespace

TEST_CASE("a rollback runs no job again, unless that says so") {
  auto first = job();
  SUBCASE("it says nothing") {}
  SUBCASE("it says so") {
    first.rerun = true;
  }
  working_farm farm{2, first};
  farm.be(instance_state::stopped, 0);
  farm.deploy(job(), 2);
  farm.roll_to_the_end();
  farm.roll_back();
  CHECK(farm.group().deployed_version == 1);
  CHECK(farm.wanted(1).size() == (first.rerun ? 1 : 0));
  CHECK(farm.wanted(2).empty());
  if (!first.rerun) {
    CHECK(does_nothing(farm.keep()));
    farm.deploy(job(), 3);
    farm.roll_to_the_end();
    CHECK(farm.wanted(3).size() == 1);
  }
}

TEST_CASE("what always runs comes back with a rollback as ever") {
  working_farm farm{2, small_farm::web(1)};
  farm.deploy(small_farm::web(1), 2);
  farm.roll_to_the_end();
  farm.roll_back();
  CHECK(farm.wanted(1).size() == 1);
}

TEST_CASE("a job of a version that never was deployed is run by an order for that") {
  working_farm farm{2, job()};
  farm.deploy(job(), 2);
  farm.roll_to(rollout_phase::starting);
  farm.fail(farm.row().coming.front());
  for (int i = 0; i < 20 && farm.is_rolling(); ++i) {
    farm.step();
    for (const auto& id : farm.ids())
      if (farm.state.instances.at(id).goal == instance_goal::stop)
        farm.obey(id);
  }
  REQUIRE_FALSE(farm.is_rolling());
  farm.give(roll_to_version{"again", "shop", "web", 2});
  farm.roll_to_the_end();
  CHECK(farm.wanted(2).size() == 1);
}

TEST_CASE("a job is not run again elsewhere when its machine drains") {
  working_farm farm{2, job(2)};
  SUBCASE("but leaves it once it is over") {
    farm.be(instance_state::stopped, 0);
    farm.drain("w1");
    farm.keep();
    farm.roll_to_the_end();
    CHECK(farm.wanted(1).size() == 1);
    CHECK(farm.wanted(1).front().machine == "w2");
    CHECK(does_nothing(farm.keep()));
  }
  SUBCASE("and goes on while it is under way") {
    farm.be(instance_state::running);
    farm.drain("w1");
    auto kept = farm.keep();
    CHECK(does_nothing(kept));
    CHECK(kept.lacking);
    CHECK(farm.wanted(1).size() == 2);
  }
  SUBCASE("unless it has failed and is to be run again anyway") {
    farm.be(instance_state::failed, 3);
    farm.drain("w1");
    farm.keep();
    CHECK(farm.is_rolling());
    CHECK(farm.row().coming.size() == 1);
  }
}

TEST_CASE("a job that went with its machine is not run again") {
  working_farm farm{2, job(2)};
  farm.be(instance_state::stopped, 0);
  farm.state.instances.erase(farm.ids().front());
  CHECK(does_nothing(farm.keep()));
}

TEST_CASE("a machine that joins runs the jobs that each machine is to run") {
  auto app = job();
  app.strategy = "one-per-machine";
  working_farm farm{1, app};
  farm.be(instance_state::stopped, 0);
  farm.add_machine("w2");
  farm.keep();
  REQUIRE(farm.is_rolling());
  CHECK(farm.row().coming.size() == 1);
}
