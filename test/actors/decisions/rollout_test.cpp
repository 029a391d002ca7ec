#include "actors/decisions/rollout.hpp"
#include "test/actors/decisions/small_farm.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <rapidcheck.h>

using namespace deployminator;
using namespace deployminator::actors;
using namespace deployminator::messages;

namespace {

rollout_view view_of(const small_farm& farm) {
  rollout_view view;
  view.rollout = farm.state.rollouts.at(1);
  view.group = farm.state.groups.at(1);
  if (view.rollout.version_id)
    view.target = farm.state.versions.at(view.rollout.version_id);
  for (const auto& [id, each] : farm.state.instances)
    view.instances.push_back(each);
  for (const auto& [name, each] : farm.state.machines)
    if (!farm.reachable.contains(name))
      view.unreachable.insert(name);
  return view;
}

/// Takes the next step, if there is one.
rollout_decision step(small_farm& farm, const rollout_waits& waits = {}) {
  auto decision = next_step(view_of(farm), waits);
  farm.make(carry_out(farm.state, 1, decision, farm.now()));
  return decision;
}

void obey_all(small_farm& farm) {
  std::vector<std::string> ids;
  for (const auto& [id, each] : farm.state.instances)
    ids.push_back(id);
  for (const auto& id : ids)
    farm.obey(id);
}

/// Lets everything go well until the rollout is over.
void roll_to_the_end(small_farm& farm) {
  for (int i = 0; i < 50 && farm.state.rollouts.contains(1); ++i) {
    step(farm);
    obey_all(farm);
  }
}

std::size_t ready_count(const small_farm& farm, std::uint64_t version) {
  auto list = farm.wanted(version);
  return static_cast<std::size_t>(std::count_if(list.begin(), list.end(), [](const instance& each) {
    return each.seen.state == instance_state::ready;
  }));
}

observation failed_observation(const instance& each) {
  auto seen = each.seen;
  seen.state = instance_state::failed;
  seen.exit = 3;
  seen.reason = "exited with code 3";
  return seen;
}

} // namespace

TEST_CASE("a rollout that goes well ends with the new version deployed and the old one retired") {
  small_farm farm{3};
  auto first = farm.deploy(small_farm::web(3), 1);
  roll_to_the_end(farm);
  CHECK(farm.state.groups.at(1).deployed_version == first);
  auto second = farm.deploy(small_farm::web(3), 2);
  CHECK(farm.state.groups.at(1).pending_version == second);
  roll_to_the_end(farm);
  CHECK(farm.state.groups.at(1).deployed_version == second);
  CHECK(farm.state.groups.at(1).pending_version == 0);
  CHECK(farm.state.versions.at(first).state == version_state::retired);
  CHECK(farm.state.versions.at(second).state == version_state::deployed);
  CHECK(farm.state.instances.size() == 3);
}

TEST_CASE("nothing starts before every machine has its artifact") {
  small_farm farm{2};
  farm.deploy(small_farm::web(2), 1);
  farm.obey(farm.state.instances.begin()->first);
  CHECK(is_empty(step(farm)));
  farm.obey(farm.state.instances.rbegin()->first);
  CHECK(step(farm).phase == rollout_phase::starting);
}

TEST_CASE("no more instances start at once than the rules allow") {
  small_farm farm{4};
  auto app = small_farm::web(8);
  app.rollout.parallel = {25, true};
  farm.deploy(app, 1);
  obey_all(farm);
  CHECK(step(farm).start.size() == 2);
  CHECK(is_empty(step(farm)));
  obey_all(farm);
  CHECK(step(farm).start.size() == 2);
}

TEST_CASE("a new instance that exits before it was ready undoes the rollout and spares the old") {
  small_farm farm{2};
  auto first = farm.deploy(small_farm::web(2), 1);
  roll_to_the_end(farm);
  auto second = farm.deploy(small_farm::web(2), 2);
  obey_all(farm);
  step(farm);
  auto victim = farm.wanted(second).front();
  farm.state.instances.at(victim.id).seen = failed_observation(victim);
  auto decision = step(farm);
  CHECK(decision.phase == rollout_phase::stopping_new);
  CHECK(decision.reason == fmt::format("{} on {} exited with code 3", victim.id, victim.machine));
  CHECK(farm.wanted(second).empty());
  CHECK(ready_count(farm, first) == 2);
  CHECK(farm.state.versions.at(second).state == version_state::failed);
  obey_all(farm);
  CHECK(step(farm).finished == rollout_outcome::failed);
  CHECK(farm.state.groups.at(1).deployed_version == first);
}

TEST_CASE("an instance that is not ready by the deadline undoes the rollout") {
  small_farm farm{1};
  auto version = farm.deploy(small_farm::web(1), 1);
  obey_all(farm);
  step(farm);
  auto id = farm.wanted(version).front().id;
  CHECK(is_empty(step(farm, {duration{0}, {{id, duration{299'999}}}})));
  auto decision = step(farm, {duration{0}, {{id, duration{300'000}}}});
  CHECK(decision.phase == rollout_phase::stopping_new);
  CHECK(decision.reason == fmt::format("{} on w1 was not ready within 300 s", id));
}

TEST_CASE("a long download is no reason to give up, a silent machine is") {
  small_farm farm{1};
  auto version = farm.deploy(small_farm::web(1), 1);
  auto id = farm.wanted(version).front().id;
  farm.state.instances.at(id).seen.state = instance_state::downloading;
  CHECK(is_empty(step(farm, {duration{10'000'000}, {}})));
  farm.reachable.clear();
  CHECK(step(farm, {duration{10'000'000}, {}}).phase == rollout_phase::stopping_new);
}

TEST_CASE("a job that is done counts as ready") {
  small_farm farm{1};
  auto app = small_farm::web(1);
  app.always_on = false;
  auto version = farm.deploy(app, 1);
  obey_all(farm);
  step(farm);
  auto& seen = farm.state.instances.at(farm.wanted(version).front().id).seen;
  seen.state = instance_state::stopped;
  seen.exit = 0;
  CHECK(step(farm).phase == rollout_phase::stopping_old);
}

TEST_CASE("other bytes than the pinned ones undo the rollout") {
  small_farm farm{1};
  auto app = small_farm::web(1);
  app.sha256 = std::string(64, 'a');
  auto version = farm.deploy(app, 1);
  obey_all(farm);
  farm.state.instances.at(farm.wanted(version).front().id).seen.sha256 = std::string(64, 'b');
  CHECK(step(farm).phase == rollout_phase::stopping_new);
}

TEST_CASE("old instances out of reach do not hold a rollout up for ever") {
  small_farm farm{2};
  farm.deploy(small_farm::web(2), 1);
  roll_to_the_end(farm);
  farm.deploy(small_farm::web(2), 2);
  obey_all(farm);
  step(farm);
  for (int i = 0; i < 3; ++i) {
    for (const auto& [id, each] : farm.state.instances)
      if (each.goal == instance_goal::run)
        farm.obey(id);
    step(farm);
  }
  REQUIRE(farm.state.rollouts.at(1).phase == rollout_phase::stopping_old);
  farm.reachable.clear();
  CHECK(is_empty(step(farm)));
  auto decision = step(farm, {duration{300'000}, {}});
  CHECK(decision.finished == rollout_outcome::succeeded);
  CHECK(decision.reason.find("2 instances on machines out of reach") != std::string::npos);
}

TEST_CASE(
  "whatever happens to the new instances, the old ones serve until all new ones are ready") {
  CHECK(rc::check([] {
    small_farm farm{3};
    auto old_version = farm.deploy(small_farm::web(3), 1);
    roll_to_the_end(farm);
    auto new_version = farm.deploy(small_farm::web(*rc::gen::inRange(1U, 6U)), 2);
    for (int i = 0; i < 60 && farm.state.rollouts.contains(1); ++i) {
      step(farm);
      bool proven = farm.state.groups.at(1).deployed_version == new_version;
      RC_ASSERT(proven || ready_count(farm, old_version) == 3);
      if (farm.state.instances.empty())
        continue;
      auto victim
        = std::next(farm.state.instances.begin(),
                    *rc::gen::inRange<long>(0, static_cast<long>(farm.state.instances.size())))
            ->first;
      auto& each = farm.state.instances.at(victim);
      bool fails = !proven && each.version_id == new_version
                   && *rc::gen::weightedElement<bool>({{1, true}, {12, false}});
      if (fails)
        each.seen = failed_observation(each);
      else
        farm.obey(victim);
    }
    auto deployed = farm.state.groups.at(1).deployed_version;
    RC_ASSERT(deployed == old_version || deployed == new_version);
    RC_ASSERT(ready_count(farm, deployed) == farm.wanted(deployed).size());
  }));
}
