#include "actors/decisions/orders/order.hpp"
#include "actors/decisions/rollout_table.hpp"
#include "actors/decisions/upkeep.hpp"
#include "test/actors/decisions/rolling_farm.hpp"

#include <doctest/doctest.h>

#include <map>

using namespace deployminator;
using namespace deployminator::actors;
using namespace deployminator::messages;

namespace {

application asking(bool canary) {
  auto app = small_farm::web(3);
  app.rollout.canary = canary ? 1 : 0;
  return app;
}

/// Version 1 is deployed, and version 2 on its way is there.
void bring(rolling_farm& farm, situation where, bool paused) {
  farm.deploy(small_farm::web(3), 1);
  farm.roll_to_the_end();
  if (where == situation::at_rest)
    return;
  farm.deploy(asking(where == situation::on_trial), 2);
  if (where == situation::on_trial || where == situation::starting
      || where == situation::stopping_new)
    farm.roll_to(rollout_phase::starting);
  if (where == situation::stopping_old)
    farm.roll_to(rollout_phase::stopping_old);
  if (where == situation::stopping_new) {
    farm.fail(farm.row().coming.front());
    farm.step();
  }
  if (paused)
    farm.give(pause_rollout{{"held", "shop", "web"}});
  REQUIRE(situation_of(&farm.row()) == where);
  REQUIRE(farm.row().paused == paused);
}

decided_order give(rolling_farm& farm, intervention what) {
  switch (what) {
    case intervention::another_version:
      return farm.give(small_farm::build_of({small_farm::web(3)}, 9));
    case intervention::undeploy:
      return farm.give(undeploy{"order", "shop", "web"});
    case intervention::stop:
      return farm.give(stop_group{{"order", "shop", "web", ""}});
    case intervention::start_or_restart:
      return farm.give(restart_group{{"order", "shop", "web", ""}});
    case intervention::promote:
      return farm.give(promote_rollout{{"order", "shop", "web"}});
    case intervention::abort:
      return farm.give(abort_rollout{{"order", "shop", "web"}});
    case intervention::pause:
      return farm.give(pause_rollout{{"order", "shop", "web"}});
    case intervention::resume:
      return farm.give(resume_rollout{{"order", "shop", "web"}});
    case intervention::drain:
      return farm.give(drain_machine{{"order", "w1"}});
  }
  return {};
}

/// Looks after the group, as UPKEEP does.
void look_after(rolling_farm& farm) {
  auto p = farm.plan_for(upkeep_wishes(farm.state, farm.group_id));
  farm.make(decide_upkeep(farm.state, farm.group_id, p, "w1 drains", farm.now()).what);
}

/// A machine drains: at rest the move begins, else what is under way stays as it is.
void check_drain(rolling_farm& farm, const std::optional<rollout>& before, effect wanted) {
  CHECK(farm.state.machines.at("w1").draining);
  look_after(farm);
  if (wanted == effect::begins)
    CHECK(farm.row().leaving.size() >= 1);
  else {
    CHECK(wanted == effect::follows);
    CHECK(farm.row() == *before);
  }
}

/// What the order did, seen from outside.
effect effect_seen(rolling_farm& farm, const std::optional<rollout>& before,
                   const decided_order& done) {
  if (done.refused)
    return effect::refused;
  auto ends = told<rollout_finished>(done.what);
  if (!before)
    return effect::begins;
  if (!ends.empty()) {
    CHECK(ends.size() == 1);
    CHECK(ends[0].rollout == before->id);
    return ends[0].outcome == rollout_outcome::succeeded ? effect::completes
           : ends[0].outcome == rollout_outcome::failed  ? effect::fails
                                                         : effect::supersedes;
  }
  const auto& now = farm.row();
  if (now.id != before->id)
    return effect::begins;
  if (now.phase == rollout_phase::stopping_new)
    return effect::reverts;
  if (now.paused != before->paused)
    return now.paused ? effect::pauses : effect::resumes;
  return now.canary == canary_state::promoted ? effect::promotes : effect::refused;
}

constexpr std::array all_situations{situation::at_rest,      situation::fetching,
                                    situation::on_trial,     situation::starting,
                                    situation::stopping_old, situation::stopping_new};

constexpr std::array all_interventions{intervention::another_version,
                                       intervention::undeploy,
                                       intervention::stop,
                                       intervention::start_or_restart,
                                       intervention::promote,
                                       intervention::abort,
                                       intervention::pause,
                                       intervention::resume,
                                       intervention::drain};

bool can_be_paused(situation where) {
  return where == situation::fetching || where == situation::on_trial
         || where == situation::starting;
}

/// Tries each intervention on a farm in each situation, paused or not.
template <class Try>
void for_each_cell(Try try_it) {
  for (auto where : all_situations)
    for (bool paused : {false, true})
      for (auto what : all_interventions) {
        if (paused && !can_be_paused(where))
          continue;
        CAPTURE(to_text(where));
        CAPTURE(to_text(what));
        CAPTURE(paused);
        rolling_farm farm{2};
        bring(farm, where, paused);
        try_it(farm, what);
      }
}

} // namespace

TEST_CASE("each order does to each rollout what the table says, paused or not") {
  for_each_cell([](rolling_farm& farm, intervention what) {
    auto before = farm.is_rolling() ? std::optional{farm.row()} : std::nullopt;
    auto wanted = effect_of(before ? &*before : nullptr, what);
    auto done = give(farm, what);
    // UPKEEP begins what a drain asks for.
    if (what == intervention::drain)
      check_drain(farm, before, wanted);
    // There is nothing to clean here.
    else if (wanted == effect::cleans)
      CHECK(done.refused);
    else
      CHECK(static_cast<int>(effect_seen(farm, before, done)) == static_cast<int>(wanted));
  });
}

TEST_CASE("whatever is ordered during a rollout, the group comes to rest as it was ordered") {
  for_each_cell([](rolling_farm& farm, intervention what) {
    give(farm, what);
    for (auto id : {"last promote", "last resume"}) {
      farm.give(resume_rollout{{std::string{id} + " 1", "shop", "web"}});
      farm.give(promote_rollout{{std::string{id} + " 2", "shop", "web"}});
    }
    farm.roll_to_the_end();
    if (what == intervention::drain) {
      look_after(farm);
      farm.roll_to_the_end();
      CHECK(farm.state.instances.on_machine("w1").empty());
    }
    CHECK_FALSE(farm.is_rolling());
    bool stops = what == intervention::undeploy || what == intervention::stop;
    CHECK(farm.state.instances.size() == (stops ? 0 : 3));
    CHECK(farm.ready_count(farm.group().deployed_version) == (stops ? 0 : 3));
  });
}

TEST_CASE("the table's first cells are as its picture says") {
  CHECK(effect_of(nullptr, intervention::another_version) == effect::begins);
  CHECK(effect_of(nullptr, intervention::abort) == effect::cleans);
  rollout r;
  r.from = 1;
  r.to = 2;
  r.order_id = "order";
  CHECK(effect_of(&r, intervention::promote) == effect::refused);
  CHECK(effect_of(&r, intervention::pause) == effect::pauses);
  CHECK(effect_of(&r, intervention::start_or_restart) == effect::refused);
  r.to = 1;
  CHECK(effect_of(&r, intervention::start_or_restart) == effect::supersedes);
  r.order_id.clear();
  CHECK(effect_of(&r, intervention::pause) == effect::refused);
  CHECK(effect_of(&r, intervention::abort) == effect::refused);
}
