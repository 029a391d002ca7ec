#include "actors/decisions/orders/order.hpp"
#include "test/actors/decisions/rolling_farm.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <rapidcheck.h>

using namespace deployminator;
using namespace deployminator::actors;
using namespace deployminator::messages;

namespace {

using goal = instance_goal;

template <class Order>
decided_order say(rolling_farm& farm, const std::string& id = "said") {
  return farm.give(Order{{id, "shop", "web"}});
}

application canary_of(std::uint32_t instances, std::uint32_t canary) {
  auto app = small_farm::web(instances);
  app.rollout.canary = canary;
  app.rollout.parallel = {100, true};
  return app;
}

application stop_first(std::uint32_t instances, parallelism parallel) {
  auto app = small_farm::web(instances);
  app.rollout.order = rollout_order::stop_first;
  app.rollout.parallel = parallel;
  return app;
}

std::size_t told_to_run(const rolling_farm& farm, std::uint64_t version) {
  auto list = farm.wanted(version);
  return static_cast<std::size_t>(std::count_if(
    list.begin(), list.end(), [](const instance& each) { return each.goal == goal::run; }));
}

/// A farm on which version 1 runs and this is on its way as version 2.
void begin_second(rolling_farm& farm, const application& app, std::uint32_t before) {
  farm.deploy(small_farm::web(before), 1);
  farm.roll_to_the_end();
  REQUIRE(farm.deploy(app, 2) == 2);
}

/// Steps and obeys until nothing changes any more.
void settle(rolling_farm& farm) {
  for (int i = 0; i < 100 && farm.is_rolling(); ++i) {
    farm.obey_all();
    if (is_empty(farm.step()))
      return;
  }
}

} // namespace

TEST_CASE("a canary starts alone, beside all of the old, and waits for a person") {
  rolling_farm farm{3};
  begin_second(farm, canary_of(6, 2), 6);
  CHECK(farm.row().canary == canary_state::trial);
  settle(farm);
  CHECK(farm.row().canary == canary_state::waiting);
  CHECK(farm.row().phase == rollout_phase::starting);
  CHECK(told_to_run(farm, 2) == 2);
  CHECK(told_to_run(farm, 1) == 6);
  CHECK(is_empty(farm.step_after(duration{3'600'000})));
  SUBCASE("promote brings the rest") {
    auto said = say<promote_rollout>(farm);
    REQUIRE_FALSE(said.refused);
    CHECK(said.kept.versions.at(0).rollout == farm.row().id);
    REQUIRE(said.kept.ends.size() == 1);
    settle(farm);
    CHECK_FALSE(farm.is_rolling());
    CHECK(farm.group().deployed_version == 2);
    CHECK(farm.state.instances.size() == 6);
  }
  SUBCASE("abort takes it back") {
    REQUIRE_FALSE(say<abort_rollout>(farm).refused);
    CHECK(farm.row().failure == "aborted by somebody");
    CHECK(farm.state.versions.at(2).state == version_state::failed);
    farm.obey_all();
    CHECK(farm.step().finished == rollout_outcome::reverted);
    CHECK(farm.group().deployed_version == 1);
    CHECK(farm.ready_count(1) == 6);
    CHECK(farm.state.instances.size() == 6);
  }
}

TEST_CASE("a canary that fails ends the rollout as any other instance does") {
  rolling_farm farm{2};
  begin_second(farm, canary_of(3, 1), 3);
  farm.obey_all();
  auto started = farm.step().start;
  REQUIRE(started.size() == 1);
  farm.fail(started[0]);
  CHECK(farm.step().phase == rollout_phase::stopping_new);
  CHECK(told_to_run(farm, 1) == 3);
}

TEST_CASE("promote before the canaries are ready lets the rest come at once") {
  rolling_farm farm{2};
  begin_second(farm, canary_of(3, 1), 3);
  REQUIRE_FALSE(say<promote_rollout>(farm).refused);
  settle(farm);
  CHECK(farm.group().deployed_version == 2);
}

TEST_CASE("nobody is asked where nothing is deployed, for what was deployed before, nor by a "
          "restart") {
  rolling_farm farm{2};
  farm.deploy(canary_of(3, 1), 1);
  CHECK(farm.row().canary == canary_state::none);
  farm.roll_to_the_end();
  farm.give(restart_group{{"restart", "shop", "web", ""}});
  CHECK(farm.row().canary == canary_state::none);
  farm.roll_to_the_end();
  farm.deploy(small_farm::web(3), 2);
  farm.roll_to_the_end();
  farm.give(roll_to_version{"back", "shop", "web", 1});
  CHECK(farm.row().canary == canary_state::none);
}

TEST_CASE("applications without a canary wait for those that have one") {
  rolling_farm farm{2};
  auto plain = small_farm::web(2);
  plain.name = "plain";
  farm.give(small_farm::build_of({small_farm::web(2), plain}, 1));
  farm.roll_to_the_end();
  farm.give(small_farm::build_of({canary_of(2, 1), plain}, 2));
  settle(farm);
  CHECK(farm.row().canary == canary_state::waiting);
  CHECK(told_to_run(farm, 2) == 1);
}

TEST_CASE(
  "where the old stop first, no more than `parallel` are ever missing, and none runs twice") {
  rolling_farm farm{3};
  begin_second(farm, stop_first(3, {1, false}), 3);
  farm.obey_all();
  auto first = farm.step();
  CHECK(first.phase == rollout_phase::starting);
  CHECK(first.start.empty());
  REQUIRE(first.stop.size() == 1);
  auto machine = farm.state.instances.at(first.stop[0]).machine;
  CHECK(is_empty(farm.decide_step()));
  farm.obey_all();
  auto second = farm.step();
  REQUIRE(second.start.size() == 1);
  CHECK(farm.state.instances.at(second.start[0]).machine == machine);
  CHECK(second.stop.empty());
  settle(farm);
  CHECK(farm.group().deployed_version == 2);
  CHECK(farm.state.instances.size() == 3);
}

TEST_CASE("an old one on a machine out of reach keeps no new one from starting") {
  rolling_farm farm{2};
  begin_second(farm, stop_first(2, {2, false}), 2);
  farm.obey_all();
  farm.step();
  for (const auto& each : farm.state.instances)
    if (each.second.goal == goal::stop)
      farm.present.leave(each.second.machine);
  CHECK(farm.step().start.size() == 2);
}

TEST_CASE("a canary takes one place where the old stop first") {
  rolling_farm farm{3};
  auto app = stop_first(3, {2, false});
  app.rollout.canary = 1;
  begin_second(farm, app, 3);
  settle(farm);
  CHECK(farm.row().canary == canary_state::waiting);
  CHECK(told_to_run(farm, 2) == 1);
  CHECK(told_to_run(farm, 1) == 2);
}

TEST_CASE("a paused rollout fetches, and starts and stops nothing") {
  rolling_farm farm{2};
  auto app = small_farm::web(4);
  app.rollout.parallel = {1, false};
  begin_second(farm, app, 2);
  SUBCASE("from the beginning") {
    REQUIRE_FALSE(say<pause_rollout>(farm).refused);
    settle(farm);
    CHECK(farm.row().phase == rollout_phase::fetching);
    CHECK(told_to_run(farm, 2) == 0);
  }
  SUBCASE("in the middle") {
    farm.obey_all();
    farm.step();
    REQUIRE_FALSE(say<pause_rollout>(farm).refused);
    settle(farm);
    CHECK(told_to_run(farm, 2) == 1);
  }
  SUBCASE("when all are ready") {
    for (int i = 0; i < 4; ++i) {
      farm.obey_all();
      farm.step();
    }
    farm.obey_all();
    REQUIRE_FALSE(say<pause_rollout>(farm).refused);
    settle(farm);
    CHECK(farm.row().phase == rollout_phase::starting);
  }
  CHECK(told_to_run(farm, 1) == 2);
  REQUIRE_FALSE(say<resume_rollout>(farm, "go on").refused);
  settle(farm);
  CHECK(farm.group().deployed_version == 2);
}

TEST_CASE("what was decided before a pause came is not carried out after it") {
  rolling_farm farm{2};
  begin_second(farm, small_farm::web(2), 2);
  farm.obey_all();
  auto decided = farm.decide_step();
  REQUIRE_FALSE(decided.start.empty());
  say<pause_rollout>(farm);
  CHECK(is_empty(carry_out(farm.state, rolling_farm::group_id, decided, farm.now())));
}

TEST_CASE("one that fails while its rollout is paused ends it all the same") {
  rolling_farm farm{2};
  begin_second(farm, small_farm::web(2), 2);
  farm.obey_all();
  auto started = farm.step().start;
  say<pause_rollout>(farm);
  farm.fail(started.at(0));
  CHECK(farm.step().phase == rollout_phase::stopping_new);
  farm.obey_all();
  CHECK(farm.step().finished == rollout_outcome::failed);
}

TEST_CASE(
  "without auto_revert what failed stays for looking at, and nothing of the old is touched") {
  rolling_farm farm{2};
  auto app = small_farm::web(3);
  app.rollout.auto_revert = false;
  app.rollout.parallel = {100, true};
  begin_second(farm, app, 3);
  farm.obey_all();
  auto started = farm.step().start;
  REQUIRE(started.size() == 3);
  farm.fail(started[0]);
  auto failing = farm.step();
  CHECK(failing.stop.size() == 2);
  for (const auto& id : farm.ids())
    if (id != started[0])
      farm.obey(id);
  auto end = farm.step();
  CHECK(end.finished == rollout_outcome::failed);
  CHECK(end.reason.find("left for looking at: " + started[0]) != std::string::npos);
  CHECK(told_to_run(farm, 1) == 3);
  CHECK(told_to_run(farm, 2) == 1);
  SUBCASE("until abort") {
    REQUIRE_FALSE(say<abort_rollout>(farm).refused);
    farm.roll_to_the_end();
    CHECK(farm.state.instances.size() == 3);
    CHECK(say<abort_rollout>(farm, "again").refused->message
          == "shop/web: there is nothing to abort: no rollout is under way");
  }
  SUBCASE("until the next build is deployed") {
    farm.deploy(small_farm::web(3), 3);
    farm.roll_to_the_end();
    CHECK(farm.state.instances.size() == 3);
    CHECK(farm.ready_count(3) == 3);
  }
  SUBCASE("and is no part of its version when that comes again") {
    farm.give(roll_to_version{"again", "shop", "web", 2});
    CHECK(farm.row().coming.size() == 3);
    farm.roll_to_the_end();
    CHECK(farm.state.instances.size() == 3);
    CHECK(farm.ready_count(2) == 3);
    CHECK_FALSE(farm.state.instances.contains(started[0]));
  }
  SUBCASE("and goes with an undeploy") {
    farm.give(undeploy{"end", "shop", "web"});
    farm.roll_to_the_end();
    CHECK(farm.state.instances.size() == 0);
  }
}

TEST_CASE("a restart obeys `parallel` and `order`") {
  rolling_farm farm{2};
  auto app = stop_first(4, {1, false});
  farm.deploy(app, 1);
  farm.roll_to_the_end();
  farm.give(restart_group{{"restart", "shop", "web", ""}});
  farm.obey_all();
  CHECK(farm.step().stop.size() == 1);
  farm.obey_all();
  CHECK(farm.step().start.size() == 1);
  settle(farm);
  CHECK(farm.state.instances.size() == 4);
  CHECK(farm.ready_count(1) == 4);
}

TEST_CASE("whatever the options, a rollout keeps its promises and comes to its end") {
  rc::check([] {
    auto machines = *rc::gen::inRange(1, 5);
    rolling_farm farm{machines};
    auto before = *rc::gen::inRange<std::uint32_t>(1, 8);
    auto after = *rc::gen::inRange<std::uint32_t>(1, 8);
    auto app = small_farm::web(after);
    app.rollout.order = *rc::gen::element(rollout_order::start_first, rollout_order::stop_first);
    app.rollout.parallel = *rc::gen::element(parallelism{1, false}, parallelism{2, false},
                                             parallelism{50, true}, parallelism{100, true});
    app.rollout.canary = *rc::gen::inRange<std::uint32_t>(0, 4);
    farm.deploy(small_farm::web(before), 1);
    farm.roll_to_the_end();
    farm.deploy(app, 2);
    const auto& parallel = app.rollout.parallel;
    auto at_once = std::max<std::size_t>(1, parallel.percent ? (after * parallel.value + 99) / 100
                                                             : parallel.value);
    auto least = std::min<std::size_t>(before, after);
    least -= app.rollout.order == rollout_order::stop_first ? std::min(at_once, least) : 0;
    bool promoted = app.rollout.canary == 0;
    for (int i = 0; i < 400 && farm.is_rolling(); ++i) {
      for (const auto& id : farm.ids())
        if (*rc::gen::inRange(0, 3) == 0)
          farm.obey(id);
      auto said = *rc::gen::inRange(0, 12);
      if (said == 0)
        say<pause_rollout>(farm, fmt::format("pause-{}", i));
      else if (said < 3)
        say<resume_rollout>(farm, fmt::format("resume-{}", i));
      else if (said == 3)
        promoted |= !say<promote_rollout>(farm, fmt::format("promote-{}", i)).refused;
      bool paused = farm.row().paused;
      auto step = farm.step();
      RC_ASSERT(!paused || is_empty(step)
                || farm.group().deployed_version == 2); // it was held too late
      if (!promoted)
        RC_ASSERT(told_to_run(farm, 2) <= app.rollout.canary);
      std::size_t serving = farm.ready_count(1) + farm.ready_count(2);
      RC_ASSERT(serving >= least);
      auto starting = told_to_run(farm, 2) - farm.ready_count(2);
      RC_ASSERT(starting <= at_once);
    }
    say<resume_rollout>(farm, "resume at last");
    say<promote_rollout>(farm, "promote at last");
    settle(farm);
    RC_ASSERT(!farm.is_rolling());
    RC_ASSERT(farm.group().deployed_version == 2U);
    RC_ASSERT(farm.state.instances.size() == after);
  });
}
