#include "actors/planner.hpp"
#include "test/actors/support/fakes.hpp"

#include <doctest/doctest.h>

using namespace deployminator;
using namespace deployminator::actors;
using namespace deployminator::messages;
using namespace std::chrono_literals;

namespace {

using strategy_calls = test::calls<placement_request_ptr, placement_ptr>;
using fake_strategy_actor = strategy_actor::extend<caf::reacts_to<test::release>>;

fake_strategy_actor::behavior_type fake_strategy(fake_strategy_actor::pointer self,
                                                 strategy_calls* c) {
  return {
    [=](atom::place, const placement_request_ptr& request) { return hold(self, *c, request); },
    [](const test::release& r) { r.run(); },
  };
}

placement_ptr onto(std::vector<std::string> machines) {
  return std::make_shared<const placement>(placement{std::move(machines), "because"});
}

wish wish_for(const std::string& name, const std::string& strategy) {
  application app;
  app.name = name;
  app.strategy = strategy;
  app.limits.max_memory_mb = 100;
  return {"ns", "g", 0, app};
}

/// A PLANNER with two strategies that are played by the test.
struct bench : test::actors_bench {
  bench() {
    first = spawn(fake_strategy, &first_asked);
    second = spawn(fake_strategy, &second_asked);
    outside = spawn(fake_strategy, &outside_asked);
    subject = spawn(actors::planner, strategies_by_name{{"first", first}, {"second", second}},
                    strategy_actor{outside});
    scheduler.run();
  }

  test::outcome_ptr<plan_ptr> plan_for(std::vector<wish> wishes) {
    plan_view view;
    view.revisions = {{1, 5}};
    view.own.resize(wishes.size());
    view.last.resize(wishes.size());
    view.freed_mb.resize(wishes.size());
    view.wishes = std::move(wishes);
    view.machines = {{"w1", {"worker"}, true}, {"w2", {"worker"}, true}};
    return ask<plan_ptr>(subject, atom::plan_v,
                         plan_view_ptr{std::make_shared<const plan_view>(std::move(view))});
  }

  template <class Order>
  test::outcome_ptr<readable_order_ptr> read(Order o) {
    return ask<readable_order_ptr>(subject, atom::read_v,
                                   order_ptr{std::make_shared<const order>(std::move(o))});
  }

  strategy_calls first_asked;
  strategy_calls second_asked;
  strategy_calls outside_asked;
  fake_strategy_actor first;
  fake_strategy_actor second;
  fake_strategy_actor outside;
  planner_actor subject;
};

} // namespace

// -- planning -------------------------------------------------------------------------------------

TEST_CASE("wishes are placed in their order, each by its strategy, seeing what is added before") {
  bench b;
  auto planned
    = b.plan_for({wish_for("a", "first"), wish_for("b", "second"), wish_for("c", "first")});
  REQUIRE(b.first_asked.size() == 1);
  CHECK(b.first_asked[0].what->subject == "ns/g/a");
  CHECK(b.second_asked.empty());
  answer(b, b.first, b.first_asked, onto({"w2", "w2"}));
  REQUIRE(b.second_asked.size() == 1);
  CHECK(b.second_asked[0].what->candidates.at(1).instances == 2);
  CHECK(b.second_asked[0].what->candidates.at(1).promised_mb == 200);
  answer(b, b.second, b.second_asked, onto({"w1"}));
  REQUIRE(b.first_asked.size() == 1);
  CHECK(b.first_asked[0].what->subject == "ns/g/c");
  CHECK(b.first_asked[0].what->candidates.at(0).instances == 1);
  CHECK(planned->is_open());
  answer(b, b.first, b.first_asked, onto({}));
  REQUIRE(planned->value);
  const auto& p = **planned->value;
  CHECK(p.revisions == std::map<std::uint64_t, std::uint64_t>{{1, 5}});
  REQUIRE(p.applications.size() == 3);
  CHECK(p.applications[0].app.name == "a");
  CHECK(p.applications[0].where->add == std::vector<std::string>{"w2", "w2"});
  CHECK(p.applications[1].where->add == std::vector<std::string>{"w1"});
}

TEST_CASE("a plan for nothing asks nobody") {
  bench b;
  auto planned = b.plan_for({});
  REQUIRE(planned->value);
  CHECK((*planned->value)->applications.empty());
}

TEST_CASE("a strategy that does not answer in time fails its application, and no other") {
  bench b;
  auto planned = b.plan_for({wish_for("a", "first"), wish_for("b", "second")});
  b.pass(4900ms);
  CHECK(b.second_asked.empty());
  b.pass(200ms);
  REQUIRE(b.second_asked.size() == 1);
  answer(b, b.second, b.second_asked, onto({"w1"}));
  REQUIRE(planned->value);
  const auto& p = **planned->value;
  CHECK_FALSE(p.applications.at(0).where);
  CHECK(p.applications.at(1).where);
  SUBCASE("an answer that comes too late is nobody's") {
    answer(b, b.first, b.first_asked, onto({"w2"}));
    CHECK_FALSE((*planned->value)->applications.at(0).where);
  }
}

TEST_CASE("a strategy that says no fails its application with its reason") {
  bench b;
  auto planned = b.plan_for({wish_for("a", "first"), wish_for("b", "second")});
  refuse(b, b.first, b.first_asked, {failure_code::unreachable, "nobody is there", ""});
  answer(b, b.second, b.second_asked, onto({"w1"}));
  REQUIRE(planned->value);
  CHECK(first_failure(**planned->value)->message == "nobody is there");
  CHECK((*planned->value)->applications.at(1).where);
}

TEST_CASE("a strategy that the server does not have is asked for outside") {
  bench b;
  auto planned = b.plan_for({wish_for("a", "third"), wish_for("b", "second")});
  REQUIRE(b.outside_asked.size() == 1);
  CHECK(b.outside_asked[0].what->app.strategy == "third");
  refuse(b, b.outside, b.outside_asked, {failure_code::not_found, "nobody offers it", ""});
  answer(b, b.second, b.second_asked, onto({"w1"}));
  REQUIRE(planned->value);
  CHECK(first_failure(**planned->value)->message == "nobody offers it");
  CHECK((*planned->value)->applications.at(1).where);
}

TEST_CASE("a strategy is not asked where no machine is in the application's machine groups") {
  bench b;
  auto lonely = wish_for("a", "first");
  lonely.app.machine_groups = {"db"};
  auto planned = b.plan_for({lonely});
  CHECK(b.first_asked.empty());
  REQUIRE(planned->value);
  CHECK(first_failure(**planned->value)->code == failure_code::not_found);
}

TEST_CASE("a plan does not wait for another one") {
  bench b;
  b.plan_for({wish_for("a", "first")});
  auto other = b.plan_for({wish_for("b", "second")});
  answer(b, b.second, b.second_asked, onto({"w1"}));
  CHECK(other->value);
}

// -- reading --------------------------------------------------------------------------------------

namespace {

submit_build build_of(const std::string& file) {
  submit_build out;
  out.order_id = "o";
  out.file = file;
  out.build = 7;
  return out;
}

} // namespace

TEST_CASE("a build is read with its applications for this build, and its text is let go") {
  bench b;
  auto read = b.read(build_of("namespace: shop\n"
                              "groups:\n"
                              "  - groupid: web\n"
                              "    applications:\n"
                              "      - repository: shop/web\n"
                              "        downloadurl: /builds/${BUILDID}.tar\n"
                              "        binary: web\n"));
  REQUIRE(read->value);
  const auto& build = std::get<build_to_deploy>(**read->value);
  CHECK(build.order.file.empty());
  CHECK(build.order.build == 7);
  REQUIRE(build.groups.size() == 1);
  CHECK(build.groups[0].namespace_ == "shop");
  CHECK(build.groups[0].name == "web");
  CHECK(build.groups[0].applications.at(0).download_url == "/builds/7.tar");
}

TEST_CASE("a deploy.yaml with mistakes is refused with file and line of each") {
  bench b;
  auto order = build_of("namespace: shop\ncolour: red\n");
  auto refused = b.read(order);
  REQUIRE(refused->error);
  CHECK(refused->error->code == failure_code::invalid);
  CHECK(refused->error->message.starts_with("deploy.yaml:"));
  CHECK(refused->error->message.find("colour") != std::string::npos);
  order.file_name = "shop.yaml";
  CHECK(b.read(order)->error->message.starts_with("shop.yaml:"));
}

TEST_CASE("a build with a text that no column of the store takes is refused") {
  bench b;
  submit_build order;
  order.order_id = "o";
  order.file = "namespace: n\ngroups: [{groupid: g, applications: [{downloadurl: /bin/app}]}]\n";
  order.branch = std::string(1000, 'b');
  CHECK(b.read(order)->value);
  order.commit = std::string(1001, 'c');
  auto refused = b.read(order);
  REQUIRE(refused->error);
  CHECK(refused->error->message == "the build's `commit` has 1001 bytes; expected 1000 at most");
}

TEST_CASE("other orders are read as they are") {
  bench b;
  auto read = b.read(roll_to_version{"o", "ns", "g", 3});
  REQUIRE(read->value);
  CHECK(std::get<roll_to_version>(**read->value).version == 3);
  CHECK(std::get<undeploy>(**b.read(undeploy{"o", "ns", "g"})->value).group == "g");
}
