#include "actors/upkeep.hpp"
#include "test/actors/support/fakes.hpp"

#include <doctest/doctest.h>

using namespace deployminator;
using namespace deployminator::actors;
using namespace deployminator::messages;
using namespace std::chrono_literals;

namespace {

/// UPKEEP between a DEPLOYMINATOR and a PLANNER that are played by the test.
struct bench : test::actors_bench {
  bench() {
    deployminator = spawn(test::fake_deployminator, &farm);
    planner = spawn(test::fake_planner, &planning);
    subject
      = spawn(actors::upkeep_keeper, deployminator_actor{deployminator}, planner_actor{planner});
    scheduler.run();
  }

  void want(std::vector<std::uint64_t> groups, const std::string& occasion = "w1 is back") {
    tell(subject, atom::upkeep_v,
         group_ids_ptr{std::make_shared<const std::vector<std::uint64_t>>(std::move(groups))},
         occasion);
  }

  void view(std::size_t wishes) {
    plan_view out;
    out.wishes.resize(wishes);
    answer(*this, deployminator, farm.upkeep_views,
           plan_view_ptr{std::make_shared<const plan_view>(std::move(out))});
  }

  /// The group that is being looked at gets this far: it is to be mended.
  void plan() {
    view(1);
    answer(*this, planner, planning.plans,
           plan_ptr{std::make_shared<const actors::plan>(actors::plan{})});
  }

  void end_look(upkeep_outcome outcome) {
    plan();
    answer(*this, deployminator, farm.upkeeps, outcome);
  }

  /// The groups that are being looked at.
  [[nodiscard]] std::vector<std::uint64_t> looked_at() const {
    std::vector<std::uint64_t> out;
    for (const auto& each : farm.upkeep_views)
      out.push_back(each.what);
    return out;
  }

  test::deployminator_calls farm;
  test::planner_calls planning;
  test::fake_deployminator_actor deployminator;
  test::fake_planner_actor planner;
  upkeep_actor subject;
};

using groups = std::vector<std::uint64_t>;

} // namespace

TEST_CASE("groups that something happened to are looked at one after the other") {
  bench b;
  b.want({2, 1});
  CHECK(b.looked_at() == groups{1});
  b.plan();
  REQUIRE(b.farm.upkeeps.size() == 1);
  CHECK(b.farm.upkeeps[0].what.group_id == 1);
  CHECK(b.farm.upkeeps[0].what.occasion == "w1 is back");
  answer(b, b.deployminator, b.farm.upkeeps, upkeep_outcome::satisfied);
  CHECK(b.looked_at() == groups{2});
  b.end_look(upkeep_outcome::satisfied);
  CHECK(b.looked_at().empty());
  b.pass(200s);
  CHECK(b.looked_at().empty());
}

TEST_CASE("a group to which something happens while it is looked at is looked at again") {
  bench b;
  b.want({1});
  b.want({1}, "w2 is back");
  CHECK(b.looked_at() == groups{1});
  b.end_look(upkeep_outcome::satisfied);
  CHECK(b.looked_at() == groups{1});
}

TEST_CASE("a group that is lacking something is looked at again, after waits that double") {
  bench b;
  b.want({1});
  b.end_look(upkeep_outcome::lacking);
  for (auto wait : {5s, 10s, 20s}) {
    b.pass(wait - 100ms);
    CHECK(b.looked_at().empty());
    b.pass(200ms);
    REQUIRE(b.looked_at() == groups{1});
    b.plan();
    CHECK(b.farm.upkeeps.at(0).what.occasion == "it was tried in vain before");
    answer(b, b.deployminator, b.farm.upkeeps, upkeep_outcome::lacking);
  }
}

TEST_CASE("each group that is lacking something is looked at in its time") {
  bench b;
  b.want({1});
  b.end_look(upkeep_outcome::lacking);
  b.pass(2s);
  b.want({2});
  b.end_look(upkeep_outcome::lacking);
  b.pass(3100ms);
  CHECK(b.looked_at() == groups{1});
  b.end_look(upkeep_outcome::satisfied);
  b.pass(1800ms);
  CHECK(b.looked_at().empty());
  b.pass(200ms);
  CHECK(b.looked_at() == groups{2});
}

TEST_CASE("a group whose plan is stale is looked at again at once, on the same occasion") {
  bench b;
  b.want({1});
  b.end_look(upkeep_outcome::stale);
  REQUIRE(b.looked_at() == groups{1});
  b.plan();
  CHECK(b.farm.upkeeps.at(0).what.occasion == "w1 is back");
}

TEST_CASE("a group that needs nothing placed is left alone") {
  bench b;
  b.want({1, 2});
  b.view(0);
  CHECK(b.planning.plans.empty());
  CHECK(b.farm.upkeeps.empty());
  CHECK(b.looked_at() == groups{2});
}

TEST_CASE("a group that moves is not looked at before somebody says so") {
  bench b;
  b.want({1});
  b.end_look(upkeep_outcome::lacking);
  b.pass(5100ms);
  b.end_look(upkeep_outcome::moving);
  b.pass(200s);
  CHECK(b.looked_at().empty());
  b.want({1}, "its rollout has ended");
  CHECK(b.looked_at() == groups{1});
}

TEST_CASE("a group whose upkeep has failed is looked at again after a wait, not at once") {
  bench b;
  b.want({1});
  b.end_look(upkeep_outcome::moving);
  b.tell(b.subject, atom::upkeep_v, std::uint64_t{1});
  CHECK(b.looked_at().empty());
  b.pass(5100ms);
  CHECK(b.looked_at() == groups{1});
  b.end_look(upkeep_outcome::moving);
  b.tell(b.subject, atom::upkeep_v, std::uint64_t{1});
  b.pass(9900ms);
  CHECK(b.looked_at().empty());
  b.pass(200ms);
  CHECK(b.looked_at() == groups{1});
}

TEST_CASE("a look that fails is made again after a wait, and holds up no other group") {
  bench b;
  b.want({1, 2});
  const failure broken{failure_code::internal, "broken", ""};
  SUBCASE("nobody says what it needs") {
    refuse(b, b.deployminator, b.farm.upkeep_views, broken);
  }
  SUBCASE("nobody plans it") {
    b.view(1);
    refuse(b, b.planner, b.planning.plans, broken);
  }
  SUBCASE("nobody stores it") {
    b.plan();
    refuse(b, b.deployminator, b.farm.upkeeps, broken);
  }
  REQUIRE(b.looked_at() == groups{2});
  b.end_look(upkeep_outcome::satisfied);
  CHECK(b.looked_at().empty());
  b.pass(5100ms);
  CHECK(b.looked_at() == groups{1});
}
