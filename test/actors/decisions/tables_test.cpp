#include "actors/decisions/tables.hpp"
#include "test/actors/decisions/small_farm.hpp"

#include <doctest/doctest.h>

using namespace deployminator;
using namespace deployminator::actors;
using namespace deployminator::messages;

TEST_CASE("instances on a machine out of reach are shown as lost") {
  small_farm farm{1};
  farm.deploy(small_farm::web(1), 1);
  auto rows = answer(farm.state, {}, {query_subject::instances, "", "", 0}, {});
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
    auto page = answer(farm.state, farm.reachable, question, {});
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
  auto rows = answer(farm.state, {}, {query_subject::versions, "shop", "nothing", 0}, {});
  REQUIRE_FALSE(rows);
  CHECK(rows.error().message == "there is no group shop/nothing");
}

TEST_CASE("a group's status counts the instances of its deployed or else its pending version") {
  small_farm farm{2};
  auto version = farm.deploy(small_farm::web(2), 1);
  farm.state.instances.begin()->second.seen.state = instance_state::ready;
  auto rows = answer(farm.state, farm.reachable, {query_subject::status, "", "", 0}, {});
  REQUIRE(rows->groups.size() == 1);
  CHECK(rows->groups[0].pending_version == version);
  CHECK(rows->groups[0].wanted == 2);
  CHECK(rows->groups[0].ready == 1);
  REQUIRE(rows->groups[0].rollout);
  CHECK(rows->groups[0].rollout->phase == rollout_phase::fetching);
}
