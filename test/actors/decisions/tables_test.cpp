#include "actors/decisions/tables.hpp"
#include "test/actors/decisions/rolling_farm.hpp"

#include <doctest/doctest.h>

#include <algorithm>

using namespace deployminator;
using namespace deployminator::actors;
using namespace deployminator::messages;

TEST_CASE("instances on a machine out of reach are shown as lost") {
  small_farm farm{1};
  farm.deploy(small_farm::web(1), 1);
  auto rows = answer(farm.state, {}, {query_subject::instances, "", "", 0});
  REQUIRE(rows);
  REQUIRE(rows->instances.size() == 1);
  CHECK(rows->instances[0].state == instance_state::lost);
  CHECK(rows->instances[0].group == "web");
}

TEST_CASE("a large table comes in pages that add up to all rows") {
  small_farm farm{1};
  farm.deploy(small_farm::web(9000), 1);
  query question{query_subject::instances, "shop", "web", 0};
  std::size_t rows = 0;
  int pages = 0;
  for (bool more = true; more; ++pages) {
    auto page = answer(farm.state, farm.present, question);
    REQUIRE(page);
    rows += page->instances.size();
    question.offset = rows;
    more = page->more;
  }
  CHECK(rows == 9000);
  CHECK(pages > 1);
}

TEST_CASE("a group that does not exist is refused by name") {
  small_farm farm{1};
  auto rows = answer(farm.state, {}, {query_subject::versions, "shop", "nothing", 0});
  REQUIRE_FALSE(rows);
  CHECK(rows.error().message == "there is no group shop/nothing");
}

TEST_CASE("a group's status counts the instances of its deployed or else its pending version") {
  small_farm farm{2};
  auto version = farm.deploy(small_farm::web(2), 1);
  farm.change_seen(farm.ids()[0], [](observation& seen) { seen.state = instance_state::ready; });
  auto rows = answer(farm.state, farm.present, {query_subject::status, "", "", 0});
  REQUIRE(rows->groups.size() == 1);
  CHECK(rows->groups[0].pending_version == version);
  CHECK(rows->groups[0].wanted == 2);
  CHECK(rows->groups[0].ready == 1);
  REQUIRE(rows->groups[0].rollout);
  CHECK(rows->groups[0].rollout->phase == rollout_phase::fetching);
}

TEST_CASE("a group tells why its last rollout failed, until the next one") {
  rolling_farm farm{1};
  auto first = farm.deploy(small_farm::web(1), 1);
  farm.roll_to_the_end();
  auto status = [&] {
    return answer(farm.state, farm.present, {query_subject::status, "", "", 0})->groups.at(0);
  };
  CHECK_FALSE(status().failure);
  auto second = farm.deploy(small_farm::web(1), 2);
  farm.fail(farm.wanted(second).front().id);
  farm.roll_to_the_end();
  CHECK(status().deployed_version == first);
  REQUIRE(status().failure);
  CHECK(status().failure->version == second);
  CHECK(status().failure->outcome == rollout_outcome::failed);
  CHECK_FALSE(status().failure->reason.empty());
  farm.deploy(small_farm::web(1), 3);
  CHECK_FALSE(status().failure);
  farm.roll_to_the_end();
  CHECK_FALSE(status().failure);
}

TEST_CASE("an instance that is to end by itself is shown as a job") {
  small_farm farm{1};
  auto app = small_farm::web(1);
  app.always_on = false;
  farm.deploy(app, 1);
  auto rows = answer(farm.state, farm.present, {query_subject::instances, "", "", 0});
  CHECK(rows->instances.at(0).job);
  CHECK(rows->instances.at(0).deadline == 300);
}

TEST_CASE("what was restarted three times within ten minutes is restarting, ready or not") {
  small_farm farm{2};
  farm.deploy(small_farm::web(2), 1);
  constexpr std::int64_t minute = 60'000'000;
  farm.change_seen(farm.ids()[0], [](observation& seen) {
    seen.state = instance_state::ready;
    seen.restarted_at = {{minute}, {5 * minute}, {9 * minute}};
  });
  farm.change_seen(farm.ids()[1], [](observation& seen) { seen.restarted_at = {{9 * minute}}; });
  auto restarting = [&](std::int64_t now) {
    auto asked = [&](query_subject subject) {
      return *answer(farm.state, farm.present, {subject, "", "", 0}, {}, {now});
    };
    auto rows = asked(query_subject::instances).instances;
    auto in_rows = std::ranges::count_if(rows, [](const auto& i) { return i.restarting; });
    CHECK(static_cast<std::uint64_t>(in_rows)
          == asked(query_subject::status).groups.at(0).restarting);
    return in_rows;
  };
  CHECK(restarting(9 * minute) == 1);
  CHECK(restarting(11 * minute) == 1);
  CHECK(restarting(11 * minute + 1) == 0);
  // The machine's clock is ahead.
  CHECK(restarting(0) == 1);
}

TEST_CASE("public ports are shown by machine, those without an instance without one") {
  small_farm farm{2};
  farm.state.machines.at("w1").ports.list
    = {{80, "front", "web-1", "shop", "web", 7, "web", 4100, "the newest"},
       {.public_port = 81, .reason = "no instance matches"}};
  farm.state.machines.at("w2").ports.problem = "nft is missing";
  auto rows = answer(farm.state, farm.present, {query_subject::ports, "", "", 0});
  REQUIRE(rows->ports.size() == 2);
  CHECK(rows->ports[0].machine == "w1");
  CHECK(rows->ports[0].instance == "web-1");
  CHECK(rows->ports[0].port == 4100);
  CHECK_FALSE(rows->ports[1].instance);
  CHECK_FALSE(rows->ports[1].port);
  CHECK(rows->ports[1].reason == "no instance matches");
  REQUIRE(rows->problems.size() == 1);
  CHECK(rows->problems[0].machine == "w2");
}

TEST_CASE("the public ports of a machine out of reach are shown as last heard") {
  small_farm farm{1};
  farm.state.machines.at("w1").ports.list = {{80, "front", "web-1"}};
  auto rows = answer(farm.state, {}, {query_subject::ports, "", "", 0});
  CHECK(rows->ports.at(0).reason == "as last heard: the machine is out of reach");
}

TEST_CASE("the orders to a group are shown with who gave them and how they ended") {
  small_farm farm{1};
  farm.deploy(small_farm::web(1), 1);
  farm.m.now = {31'000'000};
  farm.deploy(small_farm::web(1), 2);
  auto rows = answer(farm.state, farm.present, {query_subject::history, "shop", "web", 0});
  REQUIRE(rows);
  REQUIRE(rows->history.size() == 2);
  const auto& newest = rows->history[0];
  CHECK(newest.build == 2);
  CHECK(newest.order == "new-build");
  CHECK(newest.who == "somebody");
  CHECK_FALSE(newest.outcome);
  const auto& first = rows->history[1];
  CHECK(first.build == 1);
  CHECK(first.outcome == rollout_outcome::superseded);
  CHECK(first.reason == "superseded by version 2");
  CHECK(first.seconds == 30.0);
  CHECK(answer(farm.state, farm.present, {query_subject::versions, "shop", "web", 0})
          ->versions[0]
          .created_by
        == "somebody");
}

TEST_CASE("what a rollout waits for is shown, and what was said to it is no end of it") {
  small_farm farm{1};
  farm.deploy(small_farm::web(1), 1);
  auto status = [&] {
    return answer(farm.state, farm.present, {query_subject::status, "shop", "web", 0})->groups[0];
  };
  CHECK_FALSE(status().rollout->waits_for);
  farm.give(pause_rollout{{"hold", "shop", "web"}});
  CHECK(status().rollout->waits_for == "resume");
  farm.m.now = {31'000'000};
  farm.give(abort_rollout{{"end", "shop", "web"}});
  auto rows = answer(farm.state, farm.present, {query_subject::history, "shop", "web", 0});
  CHECK(rows->history.at(0).order == "abort");
  CHECK(rows->history.at(0).outcome == rollout_outcome::succeeded);
  CHECK(rows->history.at(1).order == "pause");
  CHECK_FALSE(rows->history.at(2).outcome);
}

TEST_CASE("who is limited to namespaces sees theirs alone, and everybody sees the machines") {
  small_farm farm{1};
  farm.deploy(small_farm::web(1), 1);
  caller ci{"ci", key_role::builder, {"bank"}};
  for (auto subject : {query_subject::status, query_subject::instances, query_subject::versions}) {
    auto rows = answer(farm.state, farm.present, {subject, "", "", 0}, ci);
    REQUIRE(rows);
    CHECK(rows->groups.size() + rows->instances.size() + rows->versions.size() == 0);
  }
  CHECK(answer(farm.state, farm.present, {query_subject::machines}, ci)->machines.size() == 1);
}
