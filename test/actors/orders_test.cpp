#include "actors/orders.hpp"
#include "messages/order_digest.hpp"
#include "test/actors/support/fakes.hpp"

#include <doctest/doctest.h>

using namespace deployminator;
using namespace deployminator::actors;
using namespace deployminator::messages;
using namespace std::chrono_literals;

namespace {

order undeploy_of(const std::string& group, const std::string& id) {
  return undeploy{id, "ns", group};
}

/// ORDERS between a DEPLOYMINATOR and a PLANNER that are played by the test.
struct bench : test::actors_bench {
  bench() {
    deployminator = spawn(test::fake_deployminator, &farm);
    planner = spawn(test::fake_planner, &planning);
    subject = spawn(actors::orders, deployminator_actor{deployminator}, planner_actor{planner});
    scheduler.run();
  }

  test::outcome_ptr<message_ptr> give(const order& o, const std::string& who = "alice") {
    return ask<message_ptr>(subject, atom::order_v, caller{who},
                            order_ptr{std::make_shared<const order>(o)});
  }

  /// The PLANNER has read the oldest order.
  void read() {
    const auto& o = *planning.reads.at(0).what;
    answer(*this, planner, planning.reads,
           readable_order_ptr{std::make_shared<const readable_order>(std::get<undeploy>(o))});
  }

  /// The DEPLOYMINATOR says that the oldest order needs so many applications placed.
  void view(std::size_t wishes, std::uint64_t revision = 1) {
    plan_view out;
    out.revisions = {{1, revision}};
    out.wishes.resize(wishes);
    answer(*this, deployminator, farm.order_views,
           plan_view_ptr{std::make_shared<const plan_view>(std::move(out))});
  }

  void plan(std::uint64_t revision = 1) {
    actors::plan out;
    out.revisions = {{1, revision}};
    answer(*this, planner, planning.plans, plan_ptr{std::make_shared<const actors::plan>(out)});
  }

  /// The oldest order is carried out.
  order_call carry_out(std::uint64_t seq) {
    return *answer(*this, deployminator, farm.orders,
                   message_ptr{std::make_shared<const message>(accepted{seq, {}})});
  }

  test::outcome_ptr<message_ptr> ask_plan(const std::string& who = "alice") {
    plan_build asked;
    asked.order.order_id = "o";
    asked.order.plan_digest = "of another plan";
    asked.offset = 3;
    return ask<message_ptr>(subject, atom::plan_v, caller{who},
                            plan_build_ptr{std::make_shared<const plan_build>(asked)});
  }

  /// The PLANNER has read the build, which is for the namespace `ns`.
  void read_build() {
    build_to_deploy out{std::get<submit_build>(*planning.reads.at(0).what), {{"ns", "web", {}}}};
    answer(*this, planner, planning.reads,
           readable_order_ptr{std::make_shared<const readable_order>(std::move(out))});
  }

  /// The DEPLOYMINATOR tells what the build would do.
  order_call tell_plan(const std::string& digest) {
    build_plan out;
    out.digest = digest;
    return *answer(*this, deployminator, farm.plans,
                   message_ptr{std::make_shared<const message>(std::move(out))});
  }

  /// The oldest order has to be placed anew.
  void call_stale() {
    answer(*this, deployminator, farm.orders, message_ptr{});
  }

  test::deployminator_calls farm;
  test::planner_calls planning;
  test::fake_deployminator_actor deployminator;
  test::fake_planner_actor planner;
  orders_actor subject;
};

std::uint64_t seq_of(const test::outcome_ptr<message_ptr>& given) {
  REQUIRE(given->value);
  return std::get<accepted>(**given->value).seq;
}

/// The group that the order which is to be placed or carried out is about.
std::string group_of(const readable_order& o) {
  return std::get<undeploy>(o).group;
}

} // namespace

TEST_CASE("an order is read, placed and carried out, and then answered") {
  bench b;
  auto what = undeploy_of("web", "o");
  auto given = b.give(what);
  b.read();
  b.view(2);
  REQUIRE(b.planning.plans.size() == 1);
  CHECK(b.planning.plans[0].what->wishes.size() == 2);
  b.plan(6);
  CHECK(given->is_open());
  auto call = b.carry_out(9);
  CHECK(group_of(call.what) == "web");
  CHECK(call.who.name == "alice");
  CHECK(call.digest == digest_of(what));
  CHECK(call.where.revisions.at(1) == 6);
  CHECK(seq_of(given) == 9);
}

TEST_CASE("an order that needs nothing placed is carried out without a plan") {
  bench b;
  auto given = b.give(undeploy_of("web", "o"));
  b.read();
  b.view(0, 6);
  CHECK(b.planning.plans.empty());
  auto call = b.carry_out(9);
  CHECK(call.where.revisions.at(1) == 6);
  CHECK(seq_of(given) == 9);
}

TEST_CASE(
  "an order that is repeated while it is under way is carried out once, and answered each") {
  bench b;
  auto first = b.give(undeploy_of("web", "o"));
  auto second = b.give(undeploy_of("web", "o"));
  CHECK(b.planning.reads.size() == 1);
  b.read();
  b.view(0);
  auto third = b.give(undeploy_of("web", "o"));
  CHECK(b.planning.reads.empty());
  CHECK(b.farm.orders.size() == 1);
  b.carry_out(9);
  for (const auto& each : {first, second, third})
    CHECK(seq_of(each) == 9);
}

TEST_CASE("an order that is repeated after its answer goes its way again: the farm knows it") {
  bench b;
  b.give(undeploy_of("web", "o"));
  b.read();
  b.view(0);
  b.carry_out(9);
  auto again = b.give(undeploy_of("web", "o"));
  b.read();
  b.view(0);
  b.carry_out(9);
  CHECK(seq_of(again) == 9);
}

TEST_CASE("another order under the id of one that is under way is refused") {
  bench b;
  auto first = b.give(undeploy_of("web", "o"));
  auto other = b.give(undeploy_of("blue", "o"));
  REQUIRE(other->error);
  CHECK(other->error->code == failure_code::mismatch);
  b.read();
  b.view(0);
  b.carry_out(9);
  CHECK(seq_of(first) == 9);
  CHECK(b.planning.reads.empty());
}

TEST_CASE("an order without an id, or with one that is too long, is refused") {
  bench b;
  for (const auto& id : {std::string{}, std::string(65, 'x')}) {
    auto given = b.give(undeploy_of("web", id));
    REQUIRE(given->error);
    CHECK(given->error->code == failure_code::invalid);
  }
  CHECK(b.give(undeploy_of("web", std::string(64, 'x')))->is_open());
  CHECK(b.planning.reads.size() == 1);
}

TEST_CASE("an order whose plan is stale is placed anew and carried out") {
  bench b;
  auto given = b.give(undeploy_of("web", "o"));
  b.read();
  b.view(1, 1);
  b.plan(1);
  b.call_stale();
  CHECK(given->is_open());
  b.view(1, 2);
  b.plan(2);
  CHECK(b.carry_out(9).where.revisions.at(1) == 2);
  CHECK(seq_of(given) == 9);
}

TEST_CASE("several orders are placed one after the other, and carried out in their order") {
  bench b;
  std::vector<test::outcome_ptr<message_ptr>> given;
  for (const auto* group : {"a", "b", "c"}) {
    given.push_back(b.give(undeploy_of(group, group)));
    b.read();
  }
  for (const std::string group : {"a", "b", "c"}) {
    REQUIRE(b.farm.order_views.size() == 1);
    CHECK(group_of(*b.farm.order_views[0].what) == group);
    b.view(1);
    CHECK(b.farm.order_views.empty());
    b.plan();
  }
  REQUIRE(b.farm.orders.size() == 3);
  for (std::uint64_t i = 0; i < 3; ++i) {
    b.carry_out(i + 1);
    CHECK(seq_of(given[i]) == i + 1);
  }
}

TEST_CASE("an order that has to be placed anew goes before those that wait") {
  bench b;
  b.give(undeploy_of("a", "a"));
  b.read();
  b.give(undeploy_of("b", "b"));
  b.read();
  b.give(undeploy_of("c", "c"));
  b.read();
  b.view(1);
  b.plan();
  // "b" is being placed when "a" turns out to be stale.
  b.call_stale();
  b.view(1);
  b.plan();
  REQUIRE(b.farm.order_views.size() == 1);
  CHECK(group_of(*b.farm.order_views[0].what) == "a");
}

TEST_CASE("an order that cannot be read is refused with why, and the next goes on") {
  bench b;
  auto first = b.give(undeploy_of("a", "a"));
  auto second = b.give(undeploy_of("b", "b"));
  refuse(b, b.planner, b.planning.reads, {failure_code::invalid, "deploy.yaml:1:1: wrong", ""});
  REQUIRE(first->error);
  CHECK(first->error->message == "deploy.yaml:1:1: wrong");
  b.read();
  b.view(0);
  b.carry_out(9);
  CHECK(seq_of(second) == 9);
}

TEST_CASE("an order that is refused is answered with why, and its id is free again") {
  bench b;
  auto given = b.give(undeploy_of("a", "o"));
  b.read();
  b.view(0);
  refuse(b, b.deployminator, b.farm.orders, {failure_code::not_found, "there is no group", ""});
  REQUIRE(given->error);
  CHECK(given->error->message == "there is no group");
  CHECK(b.give(undeploy_of("b", "o"))->is_open());
}

TEST_CASE("an order that cannot be placed does not hold up the next") {
  bench b;
  auto first = b.give(undeploy_of("a", "a"));
  b.read();
  auto second = b.give(undeploy_of("b", "b"));
  b.read();
  SUBCASE("since nobody says what it needs") {
    refuse(b, b.deployminator, b.farm.order_views, {failure_code::internal, "broken", ""});
  }
  SUBCASE("since nobody plans it") {
    b.view(1);
    refuse(b, b.planner, b.planning.plans, {failure_code::internal, "broken", ""});
  }
  SUBCASE("since nobody plans it in time") {
    b.view(1);
    b.pass(61s);
    b.planning.plans.clear();
  }
  CHECK(first->error);
  b.view(0);
  b.carry_out(9);
  CHECK(seq_of(second) == 9);
}

TEST_CASE("what a build would do is read, placed and told as that of an order, and none is given") {
  bench b;
  auto asked = b.ask_plan();
  CHECK(std::get<submit_build>(*b.planning.reads.at(0).what).plan_digest.empty());
  b.read_build();
  b.view(1);
  b.plan(6);
  auto call = b.tell_plan("7e");
  CHECK(call.who.name == "alice");
  CHECK(call.where.revisions.at(1) == 6);
  REQUIRE(asked->value);
  CHECK(std::get<build_plan>(**asked->value).digest == "7e");
  CHECK(b.farm.orders.empty());
}

TEST_CASE("no order waits for a plan, nor a plan for an order") {
  bench b;
  auto asked = b.ask_plan();
  b.read_build();
  REQUIRE(b.farm.order_views.size() == 1);
  auto given = b.give(undeploy_of("web", "o"));
  b.read();
  CHECK(b.farm.order_views.size() == 2);
}

TEST_CASE("where the farm goes on it is planned anew, a number of times") {
  bench b;
  auto asked = b.ask_plan();
  b.read_build();
  for (int i = 0; i < 100 && asked->is_open(); ++i) {
    b.view(0);
    answer(b, b.deployminator, b.farm.plans, message_ptr{});
  }
  REQUIRE(asked->error);
  CHECK(asked->error->code == failure_code::timeout);
}

TEST_CASE("nobody is told what happens in a namespace that his key is not good for") {
  bench b;
  plan_build what;
  caller who{"alice"};
  who.namespaces = {"other"};
  auto asked = b.ask<message_ptr>(b.subject, atom::plan_v, who,
                                  plan_build_ptr{std::make_shared<const plan_build>(what)});
  b.read_build();
  REQUIRE(asked->error);
  CHECK(asked->error->code == failure_code::forbidden);
}
