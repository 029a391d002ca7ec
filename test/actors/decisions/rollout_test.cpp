#include "actors/decisions/observation.hpp"
#include "actors/decisions/rollout.hpp"
#include "test/actors/decisions/rolling_farm.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <rapidcheck.h>

using namespace deployminator;
using namespace deployminator::actors;
using namespace deployminator::messages;

namespace {

/// Begins a rollout within the deployed version to which so many instances come.
void begin_within(rolling_farm& farm, int coming, bool each_alone,
                  std::vector<std::string> leaving = {}) {
  edit c{farm.state, farm.now()};
  rollout r;
  r.group_id = rolling_farm::group_id;
  r.to = farm.group().deployed_version;
  r.each_alone = each_alone;
  r.leaving = std::move(leaving);
  r.purpose = "instances move";
  begin_rollout(c, std::move(r));
  const auto& v = farm.state.versions.at(farm.group().deployed_version);
  for (int i = 0; i < coming; ++i)
    place_on(c, farm.group(), v.applications[0], "w1");
  farm.make(std::move(c).done());
}

std::vector<rollout_finished> ends_in(rolling_farm& farm, const rollout_decision& d) {
  return told<rollout_finished>(carry_out(farm.state, rolling_farm::group_id, d, farm.now()));
}

} // namespace

TEST_CASE("a rollout that goes well ends with the new version deployed and the old one retired") {
  rolling_farm farm{3};
  auto first = farm.deploy(small_farm::web(3), 1);
  farm.roll_to_the_end();
  CHECK(farm.group().deployed_version == first);
  auto second = farm.deploy(small_farm::web(3), 2);
  CHECK(farm.group().pending_version == second);
  CHECK(farm.row().from == first);
  CHECK(farm.row().coming.size() == 3);
  CHECK(farm.row().leaving.size() == 3);
  farm.roll_to_the_end();
  CHECK(farm.group().deployed_version == second);
  CHECK(farm.group().pending_version == 0);
  CHECK(farm.state.versions.at(first).state == version_state::retired);
  CHECK(farm.state.versions.at(second).state == version_state::deployed);
  CHECK(farm.state.versions.at(second).last_deployed == 2);
  CHECK(farm.state.instances.size() == 3);
}

TEST_CASE("nothing starts before every machine has its artifact") {
  rolling_farm farm{2};
  farm.deploy(small_farm::web(2), 1);
  farm.obey(farm.ids().front());
  CHECK(is_empty(farm.step()));
  farm.obey(farm.ids().back());
  CHECK(farm.step().phase == rollout_phase::starting);
}

TEST_CASE("the first instances of a group start all at once: there is nothing to protect") {
  rolling_farm farm{4};
  auto app = small_farm::web(8);
  app.rollout.parallel = {1, false};
  farm.deploy(app, 1);
  farm.obey_all();
  CHECK(farm.step().start.size() == 8);
}

TEST_CASE("no more instances start at once than the rules allow") {
  rolling_farm farm{4};
  farm.deploy_first();
  auto app = small_farm::web(8);
  app.rollout.parallel = {25, true};
  farm.deploy(app, 2);
  farm.obey_all();
  CHECK(farm.step().start.size() == 2);
  CHECK(is_empty(farm.step()));
  farm.obey_all();
  CHECK(farm.step().start.size() == 2);
}

TEST_CASE("what lost its artifact while others started fetches it again before it starts") {
  rolling_farm farm{1};
  farm.deploy_first();
  auto app = small_farm::web(2);
  app.rollout.parallel = {1, false};
  auto version = farm.deploy(app, 2);
  farm.obey_all();
  auto first = farm.step().start;
  REQUIRE(first.size() == 1);
  auto both = farm.wanted(version);
  auto second = both[0].id == first[0] ? both[1].id : both[0].id;
  farm.obey(first[0]);
  // Its machine was started anew.
  farm.change_seen(second, [](observation& seen) {
    seen.fetched = false;
    seen.state = instance_state::downloading;
  });
  CHECK(is_empty(farm.step_after(duration{1'000})));
  SUBCASE("and has as long for it as the first time") {
    farm.change_seen(second, [](observation& seen) { seen.state = instance_state::preparing; });
    CHECK(is_empty(farm.step()));
    CHECK(is_empty(farm.step_after(duration{200'000})));
    CHECK(farm.step_after(duration{100'000}).phase == rollout_phase::stopping_new);
  }
  SUBCASE("and starts then") {
    farm.obey(second);
    CHECK(farm.step().start == std::vector<std::string>{second});
  }
}

TEST_CASE("each application starts as many of its own as its rules allow") {
  rolling_farm farm{4};
  farm.deploy_first();
  auto web = small_farm::web(4);
  web.rollout.parallel = {1, false};
  auto db = small_farm::web(3);
  db.name = "db";
  db.rollout.parallel = {100, true};
  farm.give(small_farm::build_of({web, db}, 2));
  farm.obey_all();
  CHECK(farm.step().start.size() == 4);
}

TEST_CASE("a new instance that exits before it was ready undoes the rollout and spares the old") {
  rolling_farm farm{2};
  auto first = farm.deploy(small_farm::web(2), 1);
  farm.roll_to_the_end();
  auto second = farm.deploy(small_farm::web(2), 2);
  farm.obey_all();
  farm.step();
  auto victim = farm.wanted(second).front();
  farm.fail(victim.id);
  auto decision = farm.step();
  CHECK(decision.phase == rollout_phase::stopping_new);
  CHECK(decision.reason == fmt::format("{} on {} exited with code 3", victim.id, victim.machine));
  CHECK(farm.row().failure == decision.reason);
  CHECK(farm.wanted(second).empty());
  CHECK(farm.ready_count(first) == 2);
  CHECK(farm.state.versions.at(second).state == version_state::failed);
  farm.obey_all();
  auto last = farm.step();
  CHECK(last.finished == rollout_outcome::failed);
  CHECK(last.reason == decision.reason);
  CHECK(farm.group().deployed_version == first);
  CHECK(farm.group().pending_version == 0);
}

TEST_CASE("an instance that is not ready by the deadline undoes the rollout") {
  rolling_farm farm{1};
  auto version = farm.deploy(small_farm::web(1), 1);
  farm.obey_all();
  farm.step_after(duration{1'000'000});
  auto id = farm.wanted(version).front().id;
  CHECK(is_empty(farm.step()));
  CHECK(is_empty(farm.step_after(duration{299'999})));
  auto decision = farm.step_after(duration{1});
  CHECK(decision.phase == rollout_phase::stopping_new);
  CHECK(decision.reason == fmt::format("{} on w1 was not ready within 300 s", id));
}

TEST_CASE("deadlines count from when each instance was told to run") {
  rolling_farm farm{1};
  farm.deploy_first();
  auto app = small_farm::web(2);
  app.rollout.parallel = {1, false};
  farm.deploy(app, 2);
  farm.obey_all();
  farm.step();
  farm.step();
  farm.step_after(duration{200'000});
  farm.obey_all();
  CHECK(farm.step().start.size() == 1);
  farm.step();
  CHECK(is_empty(farm.step_after(duration{200'000})));
  CHECK(farm.step_after(duration{100'000}).phase == rollout_phase::stopping_new);
}

TEST_CASE("a long download is no reason to give up, a silent machine is") {
  rolling_farm farm{1};
  auto version = farm.deploy(small_farm::web(1), 1);
  auto id = farm.wanted(version).front().id;
  farm.change_seen(id, [](observation& seen) { seen.state = instance_state::downloading; });
  farm.step();
  CHECK(is_empty(farm.step_after(duration{10'000'000})));
  farm.present.leave("w1");
  CHECK(is_empty(farm.step()));
  CHECK(is_empty(farm.step_after(duration{299'000})));
  auto decision = farm.step_after(duration{1'000});
  CHECK(decision.phase == rollout_phase::stopping_new);
  CHECK(decision.reason.ends_with("within 300 s: the machine is out of reach"));
}

TEST_CASE("a download that does not move is given up after the deadline, with its reason") {
  rolling_farm farm{1};
  auto version = farm.deploy(small_farm::web(1), 1);
  auto id = farm.wanted(version).front().id;
  auto see = [&](bool stuck) {
    farm.change_seen(id, [&](observation& seen) {
      seen.state = instance_state::downloading;
      seen.stuck = stuck;
      seen.reason = stuck ? "two bytes a second come" : "";
    });
  };
  see(true);
  CHECK(is_empty(farm.step()));
  CHECK(is_empty(farm.step_after(duration{299'000})));
  SUBCASE("but not where it moved meanwhile") {
    see(false);
    CHECK(is_empty(farm.step()));
    see(true);
    CHECK(is_empty(farm.step()));
    CHECK(is_empty(farm.step_after(duration{299'000})));
  }
  auto decision = farm.step_after(duration{1'000});
  CHECK(decision.phase == rollout_phase::stopping_new);
  CHECK(decision.reason
        == id + " on w1 did not fetch its artifact within 300 s: two bytes a second come");
}

TEST_CASE("a deadline of its own bounds a fetch, whatever moves") {
  rolling_farm farm{1};
  auto app = small_farm::web(1);
  app.rollout.fetch_deadline = duration{1'000'000};
  auto version = farm.deploy(app, 1);
  auto id = farm.wanted(version).front().id;
  farm.change_seen(id, [](observation& seen) { seen.state = instance_state::downloading; });
  CHECK(is_empty(farm.step()));
  CHECK(is_empty(farm.step_after(duration{900'000})));
  CHECK(next_look(farm.view(), farm.clock) == duration{100'000});
  CHECK(is_empty(farm.step_after(duration{99'999})));
  auto decision = farm.step_after(duration{1});
  CHECK(decision.phase == rollout_phase::stopping_new);
  CHECK(decision.reason == id + " on w1 did not fetch its artifact within 1000 s");
}

TEST_CASE("a job that is done counts as ready, one that failed does not") {
  rolling_farm farm{1};
  auto app = small_farm::web(1);
  app.always_on = false;
  auto version = farm.deploy(app, 1);
  farm.obey_all();
  farm.step();
  auto ends_with = [&](int exit) {
    farm.change_seen(farm.wanted(version).front().id, [&](observation& seen) {
      seen.state = instance_state::stopped;
      seen.exit = exit;
    });
    return farm.decide_step().phase;
  };
  CHECK(ends_with(1) == rollout_phase::stopping_new);
  CHECK(ends_with(0) == rollout_phase::stopping_old);
}

TEST_CASE("an instance that was ready once and fails later is not the rollout's business") {
  rolling_farm farm{1};
  farm.deploy_first();
  auto app = small_farm::web(2);
  app.rollout.parallel = {1, false};
  farm.deploy(app, 2);
  farm.obey_all();
  auto first = farm.step().start.at(0);
  farm.obey_all();
  farm.step();
  farm.fail(first);
  CHECK(is_empty(farm.step()));
}

TEST_CASE("other bytes than the pinned ones undo the rollout") {
  rolling_farm farm{1};
  auto app = small_farm::web(1);
  app.sha256 = std::string(64, 'a');
  app.download_url = "https://ci:secret@x/web.tar?token=secret";
  auto version = farm.deploy(app, 1);
  farm.obey_all();
  farm.change_seen(farm.wanted(version).front().id,
                   [](observation& seen) { seen.sha256 = std::string(64, 'b'); });
  auto decision = farm.step();
  CHECK(decision.phase == rollout_phase::stopping_new);
  CHECK(decision.reason.find("got other bytes from https://x/web.tar than") != std::string::npos);
}

TEST_CASE("old instances out of reach do not hold a rollout up for ever") {
  rolling_farm farm{2};
  farm.deploy(small_farm::web(2), 1);
  farm.roll_to_the_end();
  auto second = farm.deploy(small_farm::web(2), 2);
  for (int i = 0; i < 10 && farm.row().phase != rollout_phase::stopping_old; ++i) {
    for (const auto& each : farm.wanted(second))
      farm.obey(each.id);
    farm.step();
  }
  REQUIRE(farm.row().phase == rollout_phase::stopping_old);
  farm.present.leave("w1");
  farm.present.leave("w2");
  CHECK(is_empty(farm.step()));
  auto decision = farm.step_after(duration{300'000});
  CHECK(decision.finished == rollout_outcome::succeeded);
  CHECK(decision.reason.find("2 instances on machines out of reach") != std::string::npos);
  CHECK(decision.left == 2);
}

TEST_CASE("instances that have stopped on a machine that cannot note it hold no rollout up") {
  rolling_farm farm{2};
  farm.deploy(small_farm::web(2), 1);
  farm.roll_to_the_end();
  farm.deploy(small_farm::web(2), 2);
  farm.roll_to(rollout_phase::starting);
  auto coming = farm.row().coming;
  farm.fail(coming.at(0));
  REQUIRE(farm.step().phase == rollout_phase::stopping_new);
  report news{100};
  for (const auto& id : coming) {
    auto seen = farm.state.instances.at(id).seen;
    seen.state = instance_state::stopping;
    news.seen.push_back(seen);
  }
  auto observe_all = [&] {
    for (const auto& machine : {"w1", "w2"})
      farm.make(observe(farm.state, machine, news, farm.now()));
  };
  observe_all();
  CHECK(is_empty(farm.step()));
  for (auto& each : news.seen)
    each.stuck = true;
  observe_all();
  auto last = farm.step();
  CHECK(last.finished == rollout_outcome::failed);
  CHECK(last.reason.find("2 stopped instances stay known") != std::string::npos);
  CHECK(farm.state.instances.at(coming.at(0)).goal == instance_goal::stop);
  SUBCASE("and the next order does not wait for them either") {
    auto third = farm.deploy(small_farm::web(2), 3);
    farm.roll_to_the_end();
    CHECK(farm.group().deployed_version == third);
  }
}

TEST_CASE("those that cannot run are tried again once something of their namespace is deployed") {
  rolling_farm farm{1};
  auto first = farm.deploy(small_farm::web(1), 1);
  farm.roll_to_the_end();
  auto id = farm.wanted(first).at(0).id;
  farm.fail(id);
  auto ends_well = [&](const std::string& namespace_) {
    submit_build order;
    order.order_id = namespace_;
    order.build = 2;
    farm.give(build_to_deploy{order, {{namespace_, "database", {small_farm::web(1)}}}});
    const auto& r = farm.state.rollouts.rbegin()->second;
    rollout_decision d{.rollout = r.id, .in = r.phase, .finished = rollout_outcome::succeeded};
    auto before = farm.state.instances.at(id).revision;
    farm.make(carry_out(farm.state, r.group_id, d, farm.now()));
    return farm.state.instances.at(id).revision > before;
  };
  CHECK(ends_well("shop"));
  CHECK(farm.state.machines.at("w1").generation == farm.state.instances.at(id).revision);
  CHECK_FALSE(ends_well("other"));
}

TEST_CASE("the old ones stay where a new one is not proven any more when they are to stop") {
  rolling_farm farm{1};
  farm.deploy(small_farm::web(1), 1);
  farm.roll_to_the_end();
  farm.deploy(small_farm::web(1), 2);
  farm.roll_to(rollout_phase::starting);
  farm.obey_all();
  auto decision = farm.decide_step();
  REQUIRE(decision.phase == rollout_phase::stopping_old);
  farm.fail(farm.row().coming.at(0));
  CHECK(is_empty(carry_out(farm.state, 1, decision, farm.now())));
}

TEST_CASE("a decision means nothing to another rollout, nor in another phase") {
  rolling_farm farm{1};
  farm.deploy(small_farm::web(1), 1);
  farm.obey_all();
  auto decision = farm.decide_step();
  REQUIRE(decision.phase == rollout_phase::starting);
  SUBCASE("it was taken already") {
    farm.make(carry_out(farm.state, 1, decision, farm.now()));
    CHECK(is_empty(carry_out(farm.state, 1, decision, farm.now())));
  }
  SUBCASE("another build came") {
    farm.deploy(small_farm::web(1), 2);
    CHECK(is_empty(carry_out(farm.state, 1, decision, farm.now())));
  }
  SUBCASE("the group has no rollout any more") {
    farm.state.rollouts.clear();
    CHECK(is_empty(carry_out(farm.state, 1, decision, farm.now())));
  }
}

TEST_CASE("a group that is undeployed ends with no instance and no version deployed") {
  rolling_farm farm{2};
  farm.deploy(small_farm::web(2), 1);
  farm.roll_to_the_end();
  farm.give(undeploy{"o", "shop", "web"});
  REQUIRE(farm.is_rolling());
  farm.obey_all();
  auto last = farm.decide_step();
  CHECK(last.finished == rollout_outcome::succeeded);
  CHECK(ends_in(farm, last).at(0).reason == "the group is undeployed");
  CHECK(farm.state.instances.empty());
}

TEST_CASE("a version without instances is deployed all the same") {
  rolling_farm farm{1};
  auto version = farm.deploy(small_farm::web(0), 1);
  farm.roll_to_the_end();
  CHECK_FALSE(farm.is_rolling());
  CHECK(farm.group().deployed_version == version);
}

// -- within a version -----------------------------------------------------------------------------

TEST_CASE("within a version instances come and leave, and the version stays as it is") {
  rolling_farm farm{2};
  auto version = farm.deploy(small_farm::web(2), 1);
  farm.roll_to_the_end();
  auto before = farm.state.versions;
  auto old = farm.wanted(version).front().id;
  begin_within(farm, 1, false, {old});
  CHECK(farm.group().pending_version == 0);
  farm.roll_to(rollout_phase::stopping_old);
  CHECK(farm.state.instances.at(old).goal == instance_goal::stop);
  CHECK(farm.ready_count(version) == 2);
  farm.roll_to_the_end();
  CHECK_FALSE(farm.state.instances.contains(old));
  CHECK(farm.group().deployed_version == version);
  CHECK(farm.state.versions == before);
}

TEST_CASE("within a version all that come go when one of them fails") {
  rolling_farm farm{1};
  auto version = farm.deploy(small_farm::web(1), 1);
  farm.roll_to_the_end();
  auto old = farm.wanted(version).front().id;
  begin_within(farm, 2, false, {old});
  farm.obey_all();
  farm.step();
  farm.fail(farm.row().coming.at(0));
  CHECK(farm.step().phase == rollout_phase::stopping_new);
  farm.obey_all();
  auto last = farm.step();
  CHECK(last.finished == rollout_outcome::failed);
  CHECK(farm.ids() == std::vector<std::string>{old});
  CHECK(farm.state.versions.at(version).state == version_state::deployed);
  CHECK(farm.group().deployed_version == version);
}

TEST_CASE("where each stands alone one that fails goes, the others stay, and none leaves") {
  rolling_farm farm{1};
  auto version = farm.deploy(small_farm::web(1), 1);
  farm.roll_to_the_end();
  auto old = farm.wanted(version).front().id;
  begin_within(farm, 3, true, {old});
  auto coming = farm.row().coming;
  farm.obey_all();
  farm.step();
  farm.fail(coming[1]);
  auto decision = farm.step();
  CHECK(decision.stop == std::vector<std::string>{coming[1]});
  CHECK_FALSE(decision.phase);
  CHECK(farm.row().failure == decision.failure);
  farm.roll_to(rollout_phase::stopping_new);
  REQUIRE(farm.is_rolling());
  CHECK(farm.ready_count(version) == 3);
  farm.obey_all();
  auto last = farm.decide_step();
  CHECK(last.finished == rollout_outcome::failed);
  CHECK(last.reason.find(coming[1]) != std::string::npos);
  farm.step();
  std::vector<std::string> rest{old, coming[0], coming[2]};
  std::sort(rest.begin(), rest.end());
  CHECK(farm.ids() == rest);
  CHECK(farm.state.versions.at(version).state == version_state::deployed);
}

TEST_CASE("where each stands alone the first reason is the rollout's, however many fail") {
  rolling_farm farm{1};
  farm.deploy(small_farm::web(1), 1);
  farm.roll_to_the_end();
  begin_within(farm, 2, true);
  auto coming = farm.row().coming;
  farm.obey_all();
  farm.step();
  farm.fail(coming[1]);
  auto first = farm.step().failure;
  farm.fail(coming[0]);
  farm.step();
  CHECK(farm.row().failure == first);
  farm.roll_to_the_end();
  CHECK_FALSE(farm.is_rolling());
  CHECK(farm.state.instances.size() == 1);
}

TEST_CASE("where each stands alone one that cannot be fetched does not keep others from starting") {
  rolling_farm farm{1};
  farm.deploy(small_farm::web(1), 1);
  farm.roll_to_the_end();
  begin_within(farm, 2, true);
  auto coming = farm.row().coming;
  farm.obey(coming[0]);
  farm.step();
  CHECK(farm.step_after(duration{300'000}).stop == std::vector<std::string>{coming[1]});
  CHECK(farm.step().phase == rollout_phase::starting);
  farm.roll_to_the_end();
  CHECK(farm.state.instances.contains(coming[0]));
}

TEST_CASE("where each stands alone and none is left, nobody is told that artifacts are there") {
  rolling_farm farm{1};
  farm.deploy(small_farm::web(1), 1);
  farm.roll_to_the_end();
  begin_within(farm, 1, true);
  farm.step();
  farm.step_after(duration{300'000});
  for (int i = 0; i < 10 && farm.is_rolling(); ++i) {
    CHECK(farm.decide_step().reason != "every machine has its artifact");
    farm.step();
    farm.obey_all();
  }
  CHECK_FALSE(farm.is_rolling());
}

// -- news and time --------------------------------------------------------------------------------

TEST_CASE("news of what has changed make the view that one would have anew") {
  CHECK(rc::check([] {
    rolling_farm farm{3};
    farm.deploy(small_farm::web(3), 1);
    farm.roll_to_the_end();
    farm.deploy(small_farm::web(4), 2);
    auto kept = farm.view();
    for (int i = 0; i < 40 && farm.is_rolling(); ++i) {
      auto before = farm.state;
      farm.step();
      if (!farm.is_rolling())
        break;
      for (const auto& id : farm.ids())
        if (*rc::gen::inRange(0, 3) == 0)
          farm.obey(id);
      std::set<std::string> changed;
      for (const auto& [id, each] : before.instances) {
        auto now = farm.state.instances.find(id);
        if (now == farm.state.instances.end() || now->second != each)
          changed.insert(id);
      }
      bool with_row = before.rollouts != farm.state.rollouts;
      apply(kept, news_for(farm.state, farm.present, 1, changed, with_row));
      auto anew = farm.view();
      // What is gone is not mentioned to those who begin anew.
      RC_ASSERT(kept.members == anew.members);
      RC_ASSERT(kept.row == anew.row);
      RC_ASSERT(kept.applications == anew.applications);
    }
  }));
}

TEST_CASE("another rollout begins with no members but its own") {
  rolling_farm farm{1};
  farm.deploy(small_farm::web(2), 1);
  auto view = farm.view();
  CHECK(view.members.size() == 2);
  rollout_news news;
  news.row = farm.row();
  news.row->id += 1;
  apply(view, news);
  CHECK(view.members.empty());
}

TEST_CASE("a rollout is looked at again when its next deadline is over, and no sooner") {
  rolling_farm farm{1};
  auto app = small_farm::web(1);
  app.rollout.deadline = duration{60'000};
  farm.deploy(app, 1);
  auto wait = [&] { return next_look(farm.view(), farm.clock); };
  farm.step();
  CHECK(wait() == duration{60'000});
  farm.step_after(duration{10'000});
  CHECK(wait() == duration{50'000});
  farm.obey_all();
  farm.step();
  farm.step_after(duration{20'000});
  CHECK(wait() == duration{60'000});
  farm.step_after(duration{45'000});
  CHECK(wait() == duration{15'000});
  CHECK(farm.step_after(duration{15'000}).phase == rollout_phase::stopping_new);
}

TEST_CASE("an instance's time begins anew when it is told to run again") {
  rollout_view view;
  view.row.coming = {"a"};
  view.members["a"] = {.id = "a", .goal = instance_goal::run};
  rollout_clock clock;
  clock.look(view, duration{5});
  clock.look(view, duration{8});
  CHECK(clock.told_to_run("a") == duration{3});
  view.members["a"].goal = instance_goal::stop;
  clock.look(view, duration{9});
  CHECK(clock.told_to_run("a") == duration{0});
  CHECK(clock.told_to_run("b") == duration{0});
}

// -- the promise ----------------------------------------------------------------------------------

TEST_CASE(
  "whatever happens to the new instances, the old ones serve until all new ones are ready") {
  CHECK(rc::check([] {
    rolling_farm farm{3};
    auto old_version = farm.deploy(small_farm::web(3), 1);
    farm.roll_to_the_end();
    auto new_version = farm.deploy(small_farm::web(*rc::gen::inRange(1U, 6U)), 2);
    for (int i = 0; i < 60 && farm.is_rolling(); ++i) {
      farm.step();
      bool proven = farm.group().deployed_version == new_version;
      RC_ASSERT(proven || farm.ready_count(old_version) == 3);
      auto ids = farm.ids();
      if (ids.empty())
        continue;
      const auto& victim = ids[*rc::gen::inRange<std::size_t>(0, ids.size())];
      bool fails = !proven && farm.state.instances.at(victim).version_id == new_version
                   && *rc::gen::weightedElement<bool>({{1, true}, {12, false}});
      if (fails)
        farm.fail(victim);
      else
        farm.obey(victim);
    }
    auto deployed = farm.group().deployed_version;
    RC_ASSERT(deployed == old_version || deployed == new_version);
    RC_ASSERT(farm.ready_count(deployed) == farm.wanted(deployed).size());
  }));
}
