#include "store/error.hpp"
#include "store/farm_reader.hpp"
#include "store/migrations.hpp"
#include "store/sqlite_connection.hpp"

#include <doctest/doctest.h>

#include <algorithm>

using namespace deployminator;
using messages::failure_code;

namespace {

messages::failure refusal(store::connection& db, const std::vector<store::migration>& migrations) {
  try {
    store::migrate(db, migrations);
  } catch (const store::store_error& e) {
    return e.why();
  }
  FAIL("it was migrated");
  return {};
}

const store::migration group{1, {"CREATE TABLE appgroup (id {row_id} PRIMARY KEY) {options}"}};
const store::migration color{2, {"ALTER TABLE appgroup ADD COLUMN color TEXT"}};

std::uint64_t schema_rows(store::connection& db) {
  store::rows found{db, "SELECT COUNT(*) FROM schema_version"};
  found.next();
  return found.number(0);
}

} // namespace

TEST_CASE("the migrations are numbered from 1 without a gap") {
  std::uint64_t number = 0;
  for (const auto& each : store::all_migrations())
    CHECK(each.number == ++number);
}

TEST_CASE("a database is brought from the schema it has to the newest, each step once") {
  auto db = store::open_sqlite(":memory:");
  store::migrate(*db, {group});
  store::run(*db, "INSERT INTO appgroup (id) VALUES (1)");
  store::migrate(*db, {group, color});
  store::migrate(*db, {group, color});
  CHECK(schema_rows(*db) == 2);
  CHECK(store::rows{*db, "SELECT id, color FROM appgroup"}.next());
}

TEST_CASE("a migration that fails leaves the schema before it") {
  auto db = store::open_sqlite(":memory:");
  store::migrate(*db, {group});
  CHECK(refusal(*db, {group, color, {3, {"CREATE TABLE more (id BIGINT)", "nonsense"}}}).code
        == failure_code::internal);
  CHECK(schema_rows(*db) == 1);
  CHECK(db->tables() == std::vector<std::string>{"appgroup", "schema_version"});
  store::migrate(*db, {group, color});
}

TEST_CASE("a newer schema is refused") {
  auto db = store::open_sqlite(":memory:");
  store::migrate(*db, {group, color});
  auto why = refusal(*db, {group});
  CHECK(why.code == failure_code::unsupported);
  CHECK(why.message == "the database :memory: has schema 2, this build knows schemas up to 1");
  CHECK_FALSE(why.hint.empty());
}

TEST_CASE("another program's database is refused and left alone") {
  auto db = store::open_sqlite(":memory:");
  store::run(*db, "CREATE TABLE songs (id BIGINT)");
  auto why = refusal(*db, store::all_migrations());
  CHECK(why.code == failure_code::invalid);
  CHECK(why.message.find("`songs`") != std::string::npos);
  CHECK(db->tables() == std::vector<std::string>{"songs"});
}

TEST_CASE("the tables of the versions have the names and relations they always had") {
  auto db = store::open_sqlite(":memory:");
  store::migrate(*db);
  auto references = [&](const std::string& table) {
    store::rows found{*db,
                      "SELECT \"from\", \"table\", \"to\" FROM pragma_foreign_key_list(?) "
                      "ORDER BY 1",
                      table};
    std::vector<std::string> all;
    while (found.next())
      all.push_back(found.text(0) + " -> " + found.text(1) + "." + found.text(2));
    return all;
  };
  CHECK(references("group_version") == std::vector<std::string>{"group_id -> appgroup.id"});
  CHECK(references("lnk_app_grp")
        == std::vector<std::string>{"app_id -> appdef.id", "group_version_id -> group_version.id"});
}

TEST_CASE("machines of the first schema have no public ports") {
  auto db = store::open_sqlite(":memory:");
  store::migrate(*db, {store::all_migrations().front()});
  store::run(
    *db, "INSERT INTO machine (name, identity, machine_groups, memory_mb, agent_version, "
         "last_seen, generation) VALUES ('m', '', '[]', 1, '', '2026-01-31T09:30:00.000001Z', 1)");
  store::migrate(*db);
  CHECK(store::read_farm(*db).machines.at("m").ports == messages::public_ports{});
}
