#include "actors/decisions/foresight.hpp"
#include "test/actors/decisions/rolling_farm.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <map>
#include <rapidcheck.h>
#include <set>
#include <tuple>

using namespace deployminator;
using namespace deployminator::actors;
using namespace deployminator::messages;

namespace {

/// What an order for the build would do, without doing it.
build_plan plan_of(const small_farm& farm, build_to_deploy build) {
  build.order.order_id.clear();
  auto wishes = needs(farm.state, build);
  auto where = wishes ? farm.plan_for(*wishes) : plan{};
  auto decided = decide(farm.state, farm.present, {}, {build, 1, {"somebody"}, where}, farm.m, 0);
  REQUIRE_FALSE(decided.refused);
  return foresee(farm.state, decided, build, where);
}

build_plan plan_of(const small_farm& farm, const application& app, std::uint64_t build) {
  return plan_of(farm, small_farm::build_of({app}, build));
}

std::map<plan_action, int> counts(const build_plan& p) {
  std::map<plan_action, int> out;
  for (const auto& each : p.changes)
    ++out[each.action];
  return out;
}

std::set<std::string> reasons(const build_plan& p, plan_action action) {
  std::set<std::string> out;
  for (const auto& each : p.changes)
    if (each.action == action)
      out.insert(each.reason);
  return out;
}

using action_counts = std::map<plan_action, int>;
using reason_set = std::set<std::string>;

} // namespace

TEST_CASE("a first build starts instances where the strategy says, and why") {
  small_farm farm{2};
  auto p = plan_of(farm, small_farm::web(3), 7);
  CHECK(counts(p) == action_counts{{plan_action::start, 3}});
  for (const auto& each : p.changes) {
    CHECK(each.version == 1);
    CHECK_FALSE(each.from);
    CHECK(each.to);
    CHECK(each.reason.starts_with("spread: "));
  }
  REQUIRE(p.groups.size() == 1);
  CHECK(p.groups[0].reason == "build 7 becomes version 1, in place of nothing");
  CHECK_FALSE(p.groups[0].unchanged);
  CHECK(farm.state.instances.empty());
}

TEST_CASE("another build replaces each instance where it is") {
  rolling_farm farm{2};
  farm.deploy(small_farm::web(2), 1);
  farm.roll_to_the_end();
  auto p = plan_of(farm, small_farm::web(2), 2);
  CHECK(counts(p) == action_counts{{plan_action::replace, 2}});
  CHECK(reasons(p, plan_action::replace) == reason_set{"build 2 in place of build 1"});
  for (const auto& each : p.changes) {
    CHECK(each.from == each.to);
    CHECK(farm.state.instances.contains(each.instance));
  }
}

TEST_CASE("the same build with the same definition is nothing to do") {
  rolling_farm farm{2};
  farm.deploy(small_farm::web(2), 1);
  farm.roll_to_the_end();
  auto p = plan_of(farm, small_farm::web(2), 1);
  CHECK(counts(p) == action_counts{{plan_action::keep, 2}});
  CHECK(p.groups.at(0).unchanged);
  CHECK(p.differences.empty());
}

TEST_CASE("more of the same build are added, fewer are taken away, and each change says why") {
  rolling_farm farm{2};
  farm.deploy(small_farm::web(2), 1);
  farm.roll_to_the_end();
  auto more = plan_of(farm, small_farm::web(3), 1);
  CHECK(counts(more) == action_counts{{plan_action::start, 1}, {plan_action::keep, 2}});
  CHECK(reasons(more, plan_action::keep) == reason_set{"the same build, started alike, and ready"});
  REQUIRE(more.differences.size() == 1);
  CHECK(more.differences[0].field == "instances");
  auto fewer = plan_of(farm, small_farm::web(1), 1);
  CHECK(counts(fewer) == action_counts{{plan_action::stop, 1}, {plan_action::keep, 1}});
  CHECK(reasons(fewer, plan_action::stop) == reason_set{"1 are wanted instead of 2"});
}

TEST_CASE("the same build that is started in another way is replaced, and the fields are named") {
  rolling_farm farm{2};
  farm.deploy(small_farm::web(2), 1);
  farm.roll_to_the_end();
  auto app = small_farm::web(2);
  app.args = {"-v"};
  app.rollout.canary = 1;
  auto p = plan_of(farm, app, 1);
  CHECK(reasons(p, plan_action::replace) == reason_set{"the same build with other args"});
}

TEST_CASE("what another rollout brought is given up, and what is not ready is replaced") {
  rolling_farm farm{2};
  farm.deploy(small_farm::web(2), 1);
  farm.roll_to_the_end();
  farm.deploy(small_farm::web(2), 2);
  auto p = plan_of(farm, small_farm::web(2), 3);
  CHECK(counts(p) == action_counts{{plan_action::replace, 2}, {plan_action::stop, 2}});
  CHECK(reasons(p, plan_action::stop) == reason_set{"version 2 is given up"});
  rolling_farm other{1};
  other.deploy(small_farm::web(1), 1);
  other.roll_to_the_end();
  other.fail(other.ids().at(0));
  other.change_seen(other.ids().at(0), [](observation& seen) { seen.ready_at = {}; });
  CHECK(reasons(plan_of(other, small_farm::web(1), 1), plan_action::replace)
        == reason_set{"the one that is there is not ready"});
}

TEST_CASE("an application that the file does not have any more stops") {
  rolling_farm farm{2};
  auto db = small_farm::web(1);
  db.name = "db";
  farm.give(small_farm::build_of({small_farm::web(1), db}, 1));
  farm.roll_to_the_end();
  auto p = plan_of(farm, small_farm::web(1), 1);
  CHECK(counts(p) == action_counts{{plan_action::keep, 1}, {plan_action::stop, 1}});
  CHECK(reasons(p, plan_action::stop) == reason_set{"the group has no such application any more"});
}

TEST_CASE("an order with the digest of a plan is carried out while that holds, and else refused") {
  rolling_farm farm{3};
  farm.deploy(small_farm::web(2), 1);
  farm.roll_to_the_end();
  auto build = small_farm::build_of({small_farm::web(3)}, 2);
  build.order.plan_digest = plan_of(farm, build).digest;
  SUBCASE("it holds, though another group has got a version meanwhile") {
    auto other = small_farm::build_of({small_farm::web(1)}, 9);
    other.groups[0].name = "other";
    farm.give(other);
    // What a strategy says of a machine's load may be another place then.
    if (plan_of(farm, build).digest == build.order.plan_digest)
      CHECK_FALSE(farm.give(build).refused);
  }
  SUBCASE("nothing has changed") {
    auto given = farm.give(build);
    CHECK_FALSE(given.refused);
    CHECK(farm.row().order_id == "order-2");
  }
  SUBCASE("an instance is gone") {
    farm.state.instances.erase(farm.ids().at(0));
    auto before = farm.state;
    auto given = farm.give(build);
    REQUIRE(given.refused);
    CHECK(given.refused->code == failure_code::refused);
    CHECK(given.refused->message.starts_with("the plan " + build.order.plan_digest));
    CHECK(given.refused->hint.find("deploy plan") != std::string::npos);
    CHECK(farm.state == before);
  }
  SUBCASE("the file is another one") {
    build.groups[0].applications[0].args = {"-v"};
    CHECK(farm.give(build).refused);
  }
  SUBCASE("another build was deployed meanwhile") {
    farm.deploy(small_farm::web(2), 5);
    farm.roll_to_the_end();
    CHECK(farm.give(build).refused);
  }
}

TEST_CASE("a long plan is told in pages, each with the digest of all of it") {
  small_farm farm{1};
  auto whole = plan_of(farm, small_farm::web(1), 1);
  whole.changes.clear();
  for (int i = 0; i < 20'000; ++i) {
    planned_change row;
    row.instance = fmt::format("web-{}", i);
    row.reason = std::string(100, 'x');
    whole.changes.push_back(row);
  }
  std::vector<planned_change> seen;
  int pages = 0;
  bool more = true;
  for (; more && pages < 100; ++pages) {
    auto page = page_of(whole, seen.size());
    CHECK(page.digest == whole.digest);
    more = page.more;
    seen.insert(seen.end(), page.changes.begin(), page.changes.end());
  }
  CHECK(pages > 1);
  CHECK(seen == whole.changes);
}

// -- the property ---------------------------------------------------------------------------------

namespace {

/// An instance where it is, of its application and version.
using place_of_instance = std::tuple<std::string, std::string, std::uint64_t>;
using places = std::multiset<place_of_instance>;

application any_web(const std::string& name) {
  application app;
  app.name = app.binary = name;
  app.download_url = "/builds/" + name + ".tar";
  app.instances = *rc::gen::inRange(0U, 5U);
  app.per_machine = *rc::gen::weightedElement<bool>({{3, false}, {1, true}});
  if (*rc::gen::weightedElement<bool>({{3, false}, {1, true}}))
    app.strategy = "one-per-machine";
  app.machine_groups = {*rc::gen::element<std::string>("worker", "db")};
  app.args = {*rc::gen::element<std::string>("-a", "-b")};
  app.rollout.order = *rc::gen::element(rollout_order::start_first, rollout_order::stop_first);
  app.rollout.parallel = {*rc::gen::inRange(1U, 4U), false};
  app.rollout.canary = *rc::gen::element(0U, 0U, 1U);
  return app;
}

build_to_deploy any_build(std::uint64_t number) {
  std::vector<application> apps;
  for (const char* name : {"web", "db", "job"})
    if (apps.empty() || *rc::gen::arbitrary<bool>())
      apps.push_back(any_web(name));
  auto out = small_farm::build_of(std::move(apps), *rc::gen::inRange<std::uint64_t>(1, 4));
  out.order.order_id = fmt::format("order-{}", number);
  out.order.force = *rc::gen::weightedElement<bool>({{5, false}, {1, true}});
  return out;
}

places places_now(const farm& f) {
  places out;
  for (const auto& [id, each] : f.instances)
    out.emplace(each.machine, each.application, each.version_id);
  return out;
}

/// What the changes leave of, and add to, what is there.
places after(const farm& f, const build_plan& p) {
  auto out = places_now(f);
  auto take = [&](const planned_change& each) {
    const auto& row = f.instances.at(each.instance);
    RC_ASSERT(row.machine == *each.from);
    auto found = out.find({row.machine, row.application, row.version_id});
    RC_ASSERT(found != out.end());
    out.erase(found);
  };
  for (const auto& each : p.changes) {
    if (each.from)
      take(each);
    if (each.to)
      out.emplace(*each.to, each.application, each.version);
  }
  return out;
}

/// Everybody obeys and says yes, until the rollout is over.
void go_through(rolling_farm& farm) {
  for (int i = 0; i < 200 && farm.is_rolling(); ++i) {
    farm.step();
    if (farm.is_rolling() && farm.row().canary == canary_state::waiting)
      farm.give(promote_rollout{{fmt::format("promote-{}", i), "shop", "web"}});
    farm.obey_all();
  }
  RC_ASSERT(!farm.is_rolling());
}

/// The farm goes on to any state between two rollouts, or within one.
void live_on(rolling_farm& farm) {
  if (*rc::gen::arbitrary<bool>())
    go_through(farm);
  else
    for (int i = *rc::gen::inRange(0, 6); i > 0 && farm.is_rolling(); --i) {
      farm.step();
      farm.obey_all();
    }
  for (const auto& id : farm.ids())
    if (*rc::gen::weightedElement<bool>({{9, false}, {1, true}}))
      farm.change_seen(id, [](observation& seen) { seen = {seen.id, instance_state::failed}; });
  if (*rc::gen::weightedElement<bool>({{5, false}, {1, true}}))
    farm.add_machine("w9");
  if (*rc::gen::weightedElement<bool>({{5, false}, {1, true}}))
    farm.give(stop_group{{fmt::format("stop-{}", farm.chance), "shop", "web", "db"}});
}

} // namespace

TEST_CASE("what a plan says is what is there after the rollout") {
  bool holds = rc::check([] {
    rolling_farm farm{3};
    farm.add_machine("d1", {"db"});
    farm.add_machine("d2", {"worker", "db"});
    auto before = *rc::gen::inRange(0, 4);
    for (int i = 0; i < before; ++i) {
      farm.give(any_build(static_cast<std::uint64_t>(i)));
      live_on(farm);
    }
    auto build = any_build(99);
    auto wishes = needs(farm.state, build);
    auto where = wishes ? farm.plan_for(*wishes) : plan{};
    auto decided = decide(farm.state, farm.present, {}, {build, 1, {"me"}, where}, farm.m, 0);
    if (decided.refused)
      RC_DISCARD("the build is refused");
    auto foreseen = foresee(farm.state, decided, build, where);
    build.order.plan_digest = foreseen.digest;
    auto expected = after(farm.state, foreseen);
    RC_TAG(foreseen.changes.size());
    auto given = farm.give(build);
    RC_ASSERT(!given.refused);
    go_through(farm);
    RC_ASSERT(places_now(farm.state) == expected);
  });
  CHECK(holds);
}
