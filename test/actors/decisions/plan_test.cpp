#include "actors/decisions/plan.hpp"
#include "test/actors/decisions/small_farm.hpp"

#include <doctest/doctest.h>

using namespace deployminator;
using namespace deployminator::actors;
using namespace deployminator::messages;

namespace {

using counts = std::map<std::uint64_t, std::uint64_t>;

application named(std::string name, std::uint32_t instances) {
  auto app = small_farm::web(instances);
  app.name = std::move(name);
  return app;
}

wish wish_for(const application& app, std::uint64_t version_id = 0) {
  return {"shop", "web", version_id, app};
}

candidate on(const placement_request& question, const std::string& machine) {
  for (const auto& each : question.candidates)
    if (each.machine == machine)
      return each;
  FAIL("the machine is no candidate");
  return {};
}

/// The version is the deployed one.
void finish(small_farm& farm, std::uint64_t version) {
  farm.state.groups.begin()->second.deployed_version = version;
  farm.state.groups.begin()->second.pending_version = 0;
}

/// A plan that puts one instance of `app` on each of these machines.
plan puts(const application& app, std::vector<std::string> machines, counts revisions = {}) {
  return {std::move(revisions), {{"shop", "web", app, placement{std::move(machines), ""}}}};
}

} // namespace

TEST_CASE("a strategy sees the machines of the application's machine groups, and what is there") {
  small_farm farm{2};
  farm.add_machine("db1", {"db"});
  auto app = small_farm::web(2);
  app.limits.max_memory_mb = 100;
  auto version = farm.deploy(app, 1);
  farm.present.leave("w2");
  auto view = view_for(farm.state, farm.present, {}, {wish_for(app, version)});
  auto question = next_question(view, {});
  REQUIRE(question);
  CHECK(question->subject == "shop/web/web");
  CHECK(question->candidates.size() == 2);
  auto w1 = on(*question, "w1");
  CHECK(w1.reachable);
  CHECK(w1.memory_mb == 1000);
  CHECK(w1.promised_mb == 100);
  CHECK(w1.instances == 1);
  CHECK(w1.own == 1);
  CHECK_FALSE(on(*question, "w2").reachable);
}

TEST_CASE("a pinned application's candidates are the machines that it names") {
  small_farm farm{2};
  auto app = small_farm::web(1);
  app.strategy = "pinned";
  app.machine_groups = {"w2"};
  auto question = next_question(view_for(farm.state, farm.present, {}, {wish_for(app)}), {});
  REQUIRE(question);
  REQUIRE(question->candidates.size() == 1);
  CHECK(question->candidates[0].machine == "w2");
  app.machine_groups = {"worker"};
  question = next_question(view_for(farm.state, farm.present, {}, {wish_for(app)}), {});
  REQUIRE_FALSE(question);
  CHECK(question.error().message == "shop/web/web cannot be placed: no machine is called worker");
  CHECK(question.error().hint == "there are: w1, w2");
}

TEST_CASE("a machine that is only awaited gets nothing new") {
  small_farm farm{1};
  farm.present = presence{{"w1"}};
  auto question
    = next_question(view_for(farm.state, farm.present, {}, {wish_for(small_farm::web(1))}), {});
  REQUIRE(question);
  CHECK_FALSE(on(*question, "w1").reachable);
}

TEST_CASE("instances of another version or application, or that are to stop, are not its own") {
  small_farm farm{1};
  auto version = farm.give(small_farm::build_of({named("web", 3), named("db", 1)}, 1))
                   .kept.versions[0]
                   .version;
  auto list = farm.wanted(version);
  REQUIRE(list.back().application == "web");
  farm.set_goal(list.back().id, instance_goal::stop);
  auto own = [&](std::uint64_t of_version) {
    auto view = view_for(farm.state, farm.present, {}, {wish_for(named("web", 3), of_version)});
    return on(*next_question(view, {}), "w1").own;
  };
  CHECK(own(version) == 2);
  CHECK(own(0) == 0);
  CHECK(own(version + 1) == 0);
}

TEST_CASE("a wish sees what the ones before it add") {
  small_farm farm{2};
  auto app = named("a", 1);
  app.limits.max_memory_mb = 100;
  auto view = view_for(farm.state, farm.present, {}, {wish_for(app), wish_for(named("b", 1))});
  std::vector<planned_application> done{{"shop", "web", app, placement{{"w1", "w1"}, ""}}};
  auto question = next_question(view, done);
  REQUIRE(question);
  CHECK(question->subject == "shop/web/b");
  CHECK(on(*question, "w1").instances == 2);
  CHECK(on(*question, "w1").promised_mb == 200);
  CHECK(on(*question, "w1").own == 0);
  CHECK(on(*question, "w2").instances == 0);
}

TEST_CASE("a wish that cannot be placed adds nothing for those after it") {
  small_farm farm{1};
  auto app = named("a", 1);
  auto view = view_for(farm.state, farm.present, {}, {wish_for(app), wish_for(named("b", 1))});
  auto question = next_question(view, {{"shop", "web", app, failure{}}});
  REQUIRE(question);
  CHECK(on(*question, "w1").instances == 0);
}

TEST_CASE("many small applications spread over the machines as one large one does") {
  small_farm farm{3};
  std::vector<wish> wishes;
  for (int i = 0; i < 9; ++i)
    wishes.push_back(wish_for(named(fmt::format("app-{}", i), 1)));
  std::map<std::string, int> placed;
  for (const auto& each : farm.plan_for(wishes).applications)
    ++placed[each.where->add.at(0)];
  CHECK(placed == std::map<std::string, int>{{"w1", 3}, {"w2", 3}, {"w3", 3}});
}

TEST_CASE("a machine group that no machine has is refused, and the groups there are named") {
  small_farm farm{1};
  auto app = small_farm::web(1);
  app.machine_groups = {"database"};
  auto refused = next_question(view_for(farm.state, farm.present, {}, {wish_for(app)}), {});
  REQUIRE_FALSE(refused);
  CHECK(refused.error().message
        == "shop/web/web cannot be placed: no machine is in the machine group database");
  CHECK(refused.error().hint == "there are: worker");
  auto nobody = next_question(view_for({}, {}, {}, {wish_for(app)}), {});
  CHECK(nobody.error().hint == "no machine has connected yet: start an autodeployer");
}

TEST_CASE("a view notes the revisions of the groups that its wishes are about") {
  small_farm farm{1};
  farm.deploy(small_farm::web(1), 1);
  counts revisions{{1, 5}, {2, 7}};
  auto other = wish_for(small_farm::web(1));
  other.group = "new";
  auto view = view_for(farm.state, farm.present, revisions, {wish_for(small_farm::web(1)), other});
  CHECK(view.revisions == counts{{1, 5}});
}

TEST_CASE("a plan is stale when one of its groups has changed since") {
  small_farm farm{1};
  auto p = puts(small_farm::web(1), {"w1"}, {{1, 5}});
  CHECK_FALSE(is_stale(p, farm.state, farm.present, {{1, 5}, {2, 9}}));
  CHECK(is_stale(p, farm.state, farm.present, {{1, 6}}));
}

TEST_CASE("a plan is stale when a machine that it puts something on is gone") {
  small_farm farm{2};
  auto p = puts(small_farm::web(1), {"w1"});
  farm.present.leave("w2");
  CHECK_FALSE(is_stale(p, farm.state, farm.present, {}));
  farm.present.leave("w1");
  CHECK(is_stale(p, farm.state, farm.present, {}));
  CHECK_FALSE(is_stale(puts(small_farm::web(1), {}), farm.state, farm.present, {}));
  CHECK(is_stale(puts(small_farm::web(1), {"unknown"}), farm.state, farm.present, {}));
}

TEST_CASE("where memory is counted, a plan is stale when others took what it counts on") {
  small_farm farm{2};
  auto planned = [&](std::uint64_t overcommit_percent) {
    auto p = begin_plan(view_for(farm.state, farm.present, {}, {}, {}, overcommit_percent));
    p.applications = puts(small_farm::web(1), {"w1"}).applications;
    return p;
  };
  auto counting = planned(100);
  auto careless = planned(0);
  CHECK_FALSE(is_stale(counting, farm.state, farm.present, {}));
  farm.state.instances.put({"i-1", 1, 1, "other", "w2", 10, instance_goal::run, 0, {}});
  CHECK_FALSE(is_stale(counting, farm.state, farm.present, {}));
  farm.state.instances.put({"i-2", 1, 1, "other", "w1", 10, instance_goal::run, 0, {}});
  CHECK(is_stale(counting, farm.state, farm.present, {}));
  CHECK_FALSE(is_stale(careless, farm.state, farm.present, {}));
  CHECK_FALSE(is_stale(planned(100), farm.state, farm.present, {}));
}

TEST_CASE("a plan is stale when a machine left the application's machine groups") {
  small_farm farm{1};
  auto p = puts(small_farm::web(1), {"w1"});
  farm.state.machines.at("w1").groups = {"worker", "db"};
  CHECK_FALSE(is_stale(p, farm.state, farm.present, {}));
  farm.state.machines.at("w1").groups = {"db"};
  CHECK(is_stale(p, farm.state, farm.present, {}));
}

TEST_CASE("the first wish that cannot be placed says why the plan cannot be carried out") {
  CHECK_FALSE(first_failure({}));
  plan p = puts(small_farm::web(1), {"w1"});
  CHECK_FALSE(first_failure(p));
  p.applications.push_back({"", "", {}, failure{failure_code::internal, "first", ""}});
  p.applications.push_back({"", "", {}, failure{failure_code::internal, "second", ""}});
  CHECK(first_failure(p)->message == "first");
}

TEST_CASE(
  "a strategy outside is told where the deployed version is, if it is of the same strategy") {
  small_farm farm{2};
  auto app = small_farm::web(1);
  app.strategy = "mine";
  finish(farm, farm.deploy(app, 1));
  auto last = [&](const application& wanted) {
    return next_question(view_for(farm.state, farm.present, {}, {wish_for(wanted)}), {})->last;
  };
  CHECK(last(app) == std::map<std::string, std::uint64_t>{{"w1", 1}, {"w2", 1}});
  auto other = app;
  other.strategy = "yours";
  CHECK_FALSE(last(other));
  other = app;
  other.name = "db";
  CHECK_FALSE(last(other));
}

TEST_CASE("where the old instances stop first, their memory is the new ones'") {
  small_farm farm{1};
  auto app = small_farm::web(1);
  app.limits.max_memory_mb = 300;
  finish(farm, farm.deploy(app, 1));
  auto promised = [&](std::uint64_t overcommit) {
    auto view = view_for(farm.state, farm.present, {}, {wish_for(app)}, {}, overcommit);
    auto question = next_question(view, {});
    CHECK(question->overcommit_percent == overcommit);
    return on(*question, "w1").promised_mb;
  };
  CHECK(promised(100) == 300);
  app.rollout.order = rollout_order::stop_first;
  CHECK(promised(100) == 0);
  CHECK(promised(0) == 300);
}
