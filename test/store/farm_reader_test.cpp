#include "store/farm_reader.hpp"
#include "test/store/fresh_database.hpp"

#include <doctest/doctest.h>

using namespace deployminator;
using namespace deployminator::test;

namespace {

messages::change small_farm() {
  messages::change c;
  c.groups.push_back({1, "demo", "shop", 7, 0, {}});
  messages::version v;
  v.id = 7;
  v.group_id = 1;
  v.applications.emplace_back().id = 5;
  v.applications.back().name = "web";
  c.versions.push_back(v);
  messages::instance web;
  web.id = "web-1";
  web.version_id = 7;
  web.group_id = 1;
  web.application = "web";
  web.machine = "m1";
  c.instances.push_back(web);
  c.machines.push_back({"m1", "x", {}, 0, "0.1", {}, 0});
  messages::rollout way;
  way.group_id = 1;
  way.to = 7;
  c.rollouts.push_back(way);
  c.receipts.push_back({.id = "o-1"});
  c.events.push_back({0, {}, "", "", 0, messages::rollout_step{"placed", "because"}});
  return c;
}

} // namespace

TEST_CASE("damaged content is one failure with database, table, row and what was expected") {
  struct kind {
    std::string sql;
    std::string told;
  };
  // clang-format off
  const std::vector<kind> kinds{
    {"UPDATE appdef SET definition = '{\"id\":'", "table appdef, row 5, `definition` cannot be read: it is not JSON"},
    {"UPDATE appdef SET definition = '{}'", "table appdef, row 5, `definition` has the id 0, expected the row's"},
    {"UPDATE group_version SET state = 'odd'", "table group_version, row 7, `state` is \"odd\", expected one of deployed, pending"},
    {"UPDATE group_version SET created = 'now'", "table group_version, row 7, `created` is \"now\", expected a UTC time"},
    {"UPDATE group_version SET group_id = 9", "table group_version, row 7, `group_id` is 9, expected the id of a row that exists"},
    {"UPDATE appgroup SET deployedversion = 8", "table appgroup, row 1, `deployedversion` is 8, expected the id"},
    {"UPDATE lnk_app_grp SET app_id = 6", "table lnk_app_grp, row 5, `app_id` is 6, expected the id"},
    {"UPDATE lnk_app_grp SET group_version_id = 6", "table lnk_app_grp, row 5, `group_version_id` is 6"},
    {"UPDATE instance SET version_id = 8", "table instance, row web-1, `version_id` is 8, expected the id"},
    {"UPDATE instance SET application = 'db'", "table instance, row web-1, `application` is \"db\", expected one of version 7"},
    {"UPDATE instance SET goal = ''", "table instance, row web-1, `goal` is \"\", expected one of fetch, run, stop"},
    {"UPDATE instance SET seen = '{\"pid\":\"x\"}'", "table instance, row web-1, `seen` cannot be read: a value in it has the wrong type"},
    {"UPDATE machine SET generation = 'many'", "table machine, row m1, `generation` is \"many\", expected a whole number"},
    {"UPDATE machine SET machine_groups = x'00'", "table machine, row m1, `machine_groups` cannot be read"},
    {"UPDATE rollout SET phase = 'fast'", "table rollout, row 1, `phase` is \"fast\", expected one of fetching"},
    {"UPDATE rollout SET to_version = 8", "table rollout, row 1, `to_version` is 8, expected the id"},
    {"UPDATE rollout SET from_version = 8", "table rollout, row 1, `from_version` is 8, expected the id"},
    {"UPDATE rollout SET coming = '[1]'", "table rollout, row 1, `coming` cannot be read: a value in it has the wrong type"},
    {"UPDATE rollout SET leaving = 'x'", "table rollout, row 1, `leaving` cannot be read"},
    {"UPDATE appgroup SET stopped = '{}'", "table appgroup, row 1, `stopped` cannot be read"},
    {"UPDATE client_order SET digest = 'x'", "table client_order, row o-1, `digest` is \"x\", expected a whole number"},
    {"UPDATE client_order SET versions = ''", "table client_order, row o-1, `versions` cannot be read"},
    {"UPDATE meta SET last_event = 'x'", "table meta, row 1, `last_event` is \"x\", expected a whole number"},
    {"DELETE FROM meta", "table meta has no row 1"},
  };
  // clang-format on
  std::size_t kinds_made = 0;
  for (const auto& each : kinds) {
    CAPTURE(each.sql);
    auto d = fresh_database();
    auto s = opened(d.url);
    REQUIRE(s->begin_epoch());
    REQUIRE(s->commit(1, small_farm()));
    REQUIRE(s->load());
    if (!damage(d, each.sql))
      continue;
    ++kinds_made;
    auto f = s->load();
    REQUIRE_FALSE(f);
    CAPTURE(f.error().message);
    CHECK(f.error().code == messages::failure_code::internal);
    CHECK(f.error().message.find("the database " + d.name + " is damaged: ") == 0);
    CHECK(f.error().message.find(each.told) != std::string::npos);
    CHECK_FALSE(f.error().hint.empty());
  }
  // MariaDB keeps texts out of columns of numbers.
  CHECK(kinds_made + 3 >= kinds.size());
}

TEST_CASE("what is damaged is told whatever is asked") {
  auto d = fresh_database();
  auto s = opened(d.url);
  REQUIRE(s->begin_epoch());
  REQUIRE(s->servers());
  // MariaDB keeps texts out of columns of numbers.
  if (!damage(d, "UPDATE server SET since = 'noon'"))
    return;
  auto answer = s->servers();
  REQUIRE_FALSE(answer);
  CHECK(answer.error().code == messages::failure_code::internal);
  CHECK(answer.error().message
        == "the database " + d.name + " is damaged: `since` is \"noon\", expected a whole number");
  CHECK_FALSE(answer.error().hint.empty());
}

TEST_CASE("a damaged event is told") {
  auto d = fresh_database();
  auto s = opened(d.url);
  REQUIRE(s->begin_epoch());
  REQUIRE(s->commit(1, small_farm()));
  damage(d, "UPDATE event SET content = '{\"seq\":1}'");
  auto events = s->events_after(0, 10);
  REQUIRE_FALSE(events);
  CHECK(events.error().message.find("table event, row 1, `content` cannot be read")
        != std::string::npos);
}
