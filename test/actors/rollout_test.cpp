#include "actors/rollout.hpp"
#include "test/actors/support/fakes.hpp"

#include <doctest/doctest.h>

using namespace deployminator;
using namespace deployminator::actors;
using namespace deployminator::messages;
using namespace std::chrono_literals;

namespace {

/// A ROLLOUT to which one instance comes, with a deadline of 60 s.
struct bench : test::actors_bench {
  bench() {
    deployminator = spawn(test::fake_deployminator, &farm);
    subject = spawn(actors::rollout, std::uint64_t{1}, deployminator_actor{deployminator});
    scheduler.run();
  }

  static rollout_news everything(rollout_phase phase, instance_goal goal) {
    rollout_news out;
    messages::rollout row;
    row.group_id = 1;
    row.id = 4;
    row.to = 2;
    row.phase = phase;
    row.coming = {"web-1"};
    out.row = row;
    out.applications["web"].rollout.deadline = duration{60'000};
    out.changed = {member(goal)};
    return out;
  }

  static rollout_member member(instance_goal goal) {
    return {.id = "web-1", .application = "web", .machine = "w1", .goal = goal};
  }

  void news(rollout_news what) {
    tell(subject, atom::update_v,
         rollout_news_ptr{std::make_shared<const rollout_news>(std::move(what))});
  }

  test::deployminator_calls farm;
  test::fake_deployminator_actor deployminator;
  rollout_actor subject;
};

} // namespace

TEST_CASE("news are answered, also where there is nothing to be done") {
  bench b;
  b.news(bench::everything(rollout_phase::fetching, instance_goal::fetch));
  REQUIRE(b.farm.decisions.size() == 1);
  CHECK(is_empty(b.farm.decisions[0]));
  CHECK(b.farm.decisions[0].rollout == 4);
  rollout_news more;
  more.changed = {bench::member(instance_goal::fetch)};
  more.changed[0].fetched = true;
  b.news(more);
  REQUIRE(b.farm.decisions.size() == 2);
  CHECK(b.farm.decisions[1].phase == rollout_phase::starting);
  CHECK(b.farm.decisions[1].start == std::vector<std::string>{"web-1"});
}

TEST_CASE("a deadline that is over is noticed without news, and told once") {
  bench b;
  b.news(bench::everything(rollout_phase::starting, instance_goal::run));
  b.pass(59'900ms);
  CHECK(b.farm.decisions.size() == 1);
  b.pass(200ms);
  REQUIRE(b.farm.decisions.size() == 2);
  CHECK(b.farm.decisions[1].phase == rollout_phase::stopping_new);
  CHECK(b.farm.decisions[1].reason == "web-1 on w1 was not ready within 60 s");
  b.pass(10s);
  CHECK(b.farm.decisions.size() == 2);
}

TEST_CASE("news do not put a deadline off") {
  bench b;
  b.news(bench::everything(rollout_phase::starting, instance_goal::run));
  for (int i = 0; i < 5; ++i) {
    b.pass(10s);
    rollout_news same;
    same.changed = {bench::member(instance_goal::run)};
    b.news(same);
  }
  b.pass(10'100ms);
  CHECK(b.farm.decisions.back().phase == rollout_phase::stopping_new);
}

TEST_CASE("a rollout that goes on has a deadline of its own for each phase") {
  bench b;
  b.news(bench::everything(rollout_phase::fetching, instance_goal::fetch));
  b.pass(50s);
  b.news(bench::everything(rollout_phase::starting, instance_goal::run));
  b.pass(50s);
  CHECK(b.farm.decisions.size() == 2);
  b.pass(10'100ms);
  CHECK(b.farm.decisions.back().phase == rollout_phase::stopping_new);
}
