#include "store/error.hpp"
#include "store/farm_reader.hpp"
#include "store/migrations.hpp"
#include "test/store/fresh_database.hpp"

#include <doctest/doctest.h>
#include <fmt/format.h>

#include <algorithm>

using namespace deployminator;
using namespace deployminator::test;
using messages::failure_code;

namespace {

messages::failure migration_refusal(store::connection& db,
                                    const std::vector<store::migration>& migrations) {
  try {
    store::migrate(db, migrations);
  } catch (const store::store_error& e) {
    return e.why();
  }
  FAIL("it was migrated");
  return {};
}

const store::migration add_groups{1, {"CREATE TABLE appgroup (id {row_id} PRIMARY KEY) {options}"}};
const store::migration add_color{2, {"ALTER TABLE appgroup ADD COLUMN color TEXT"}};

/// All up to the schema with that number.
std::vector<store::migration> migrations_to(std::size_t schema) {
  const auto& all = store::all_migrations();
  return {all.begin(), all.begin() + static_cast<std::ptrdiff_t>(schema)};
}

/// Group 1 of schema 3: version 1 runs as `old`, version 2 is on its way as `new`, in this phase.
void fill_with_rollout_of_schema_3(store::connection& db, const std::string& phase,
                                   bool is_deployed) {
  auto time = "'2026-01-31T09:30:00.000001Z'";
  auto version = [&](int id, const std::string& state) {
    store::run(db, fmt::format("INSERT INTO group_version (id, group_id, created, build, "
                               "repository, artifact_id, branch, commit_id, state, last_deployed) "
                               "VALUES ({}, 1, {}, {}, '', '', '', '', '{}', {})",
                               id, time, id + 10, state, state == "pending" ? 0 : id));
    store::run(db, fmt::format("INSERT INTO appdef (id, name, repository, artifact_id, sha256, "
                               "definition) VALUES ({0}, 'web', '', '', '', "
                               "'{{\"id\":{0},\"name\":\"web\"}}')",
                               id));
    store::run(db, fmt::format("INSERT INTO lnk_app_grp (id, group_version_id, app_id, position) "
                               "VALUES ({0}, {0}, {0}, 0)",
                               id));
  };
  auto instance = [&](const std::string& id, int of_version, const std::string& goal) {
    store::run(db, fmt::format("INSERT INTO instance (id, version_id, application, machine, goal, "
                               "seen) VALUES ('{0}', {1}, 'web', 'm', '{2}', '{{\"id\":\"{0}\"}}')",
                               id, of_version, goal));
  };
  store::run(db, fmt::format("INSERT INTO appgroup (id, namespace, groupname, deployedversion, "
                             "pendingversion) VALUES (1, 'demo', 'shop', {}, {})",
                             is_deployed ? 2 : 1, is_deployed ? 0 : 2));
  version(1, is_deployed ? "retired" : "deployed");
  version(2, is_deployed ? "deployed" : "pending");
  instance("old", 1, is_deployed ? "stop" : "run");
  instance("new", 2, is_deployed ? "run" : "fetch");
  store::run(db, fmt::format("INSERT INTO machine (name, identity, machine_groups, memory_mb, "
                             "agent_version, last_seen, generation, ports) VALUES ('m', 'x', '[]', "
                             "1, '', {}, 4, '{{\"list\":[],\"problem\":\"\"}}')",
                             time));
  store::run(db, fmt::format("INSERT INTO rollout (group_id, version_id, previous_version, phase, "
                             "started, reason) VALUES (1, 2, 1, '{}', {}, '')",
                             phase, time));
  store::run(db, fmt::format("INSERT INTO client_order (id, created, versions, seq) VALUES "
                             "('o', {}, '[{{\"namespace\":\"demo\",\"group\":\"shop\","
                             "\"version\":2}}]', 7)",
                             time));
}

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
  auto db = connection_to_empty_database();
  store::migrate(*db, {add_groups});
  store::run(*db, "INSERT INTO appgroup (id) VALUES (1)");
  store::migrate(*db, {add_groups, add_color});
  store::migrate(*db, {add_groups, add_color});
  CHECK(schema_rows(*db) == 2);
  CHECK(store::rows{*db, "SELECT id, color FROM appgroup"}.next());
}

TEST_CASE("a migration that was cut off is told, or never was") {
  auto db = connection_to_empty_database();
  store::migrate(*db, {add_groups});
  const store::migration broken{2, {"ALTER TABLE appgroup ADD COLUMN size TEXT", "nonsense"}};
  CHECK(migration_refusal(*db, {add_groups, broken}).code == failure_code::internal);
  if (schema_rows(*db) == 1) {
    store::migrate(*db, {add_groups, add_color});
    return;
  }
  auto why = migration_refusal(*db, {add_groups, add_color});
  CHECK(why.code == failure_code::invalid);
  CHECK(why.message.find(db->name() + " is half-way to schema 2") != std::string::npos);
  CHECK(why.hint.find("backup") != std::string::npos);
}

TEST_CASE("a new database whose migrations were cut off is made anew") {
  auto db = connection_to_empty_database();
  const store::migration broken{2, {"ALTER TABLE appgroup ADD COLUMN size TEXT", "nonsense"}};
  CHECK(migration_refusal(*db, {add_groups, broken}).code == failure_code::internal);
  store::migrate(*db, {add_groups, add_color});
  CHECK(store::schema_of(*db) == 2);
}

TEST_CASE("a newer schema is refused") {
  auto db = connection_to_empty_database();
  store::migrate(*db, {add_groups, add_color});
  auto why = migration_refusal(*db, {add_groups});
  CHECK(why.code == failure_code::unsupported);
  CHECK(
    why.message
    == fmt::format("the database {} has schema 2, this build knows schemas up to 1", db->name()));
  CHECK_FALSE(why.hint.empty());
}

TEST_CASE("another program's database is refused and left alone") {
  auto db = connection_to_empty_database();
  store::run(*db, "CREATE TABLE songs (id BIGINT)");
  auto why = migration_refusal(*db, store::all_migrations());
  CHECK(why.code == failure_code::invalid);
  CHECK(why.message.find("`songs`") != std::string::npos);
  CHECK(db->tables() == std::vector<std::string>{"songs"});
}

TEST_CASE("the tables of the versions have the names and relations they always had") {
  auto db = connection_to_empty_database();
  store::migrate(*db);
  CHECK(references_of(*db, "group_version") == std::vector<std::string>{"group_id -> appgroup.id"});
  CHECK(references_of(*db, "lnk_app_grp")
        == std::vector<std::string>{"app_id -> appdef.id", "group_version_id -> group_version.id"});
}

TEST_CASE("machines of the first schema have no public ports") {
  auto db = connection_to_empty_database();
  store::migrate(*db, {store::all_migrations().front()});
  store::run(
    *db, "INSERT INTO machine (name, identity, machine_groups, memory_mb, agent_version, "
         "last_seen, generation) VALUES ('m', '', '[]', 1, '', '2026-01-31T09:30:00.000001Z', 1)");
  store::migrate(*db);
  CHECK(store::read_farm(*db).machines.at("m").ports == messages::public_ports{});
}

TEST_CASE("a rollout under way in schema 3 is given up: what it began stops, the versions stay") {
  for (const std::string phase : {"fetching", "starting", "stopping_new"}) {
    CAPTURE(phase);
    auto db = connection_to_empty_database();
    store::migrate(*db, migrations_to(3));
    fill_with_rollout_of_schema_3(*db, phase, false);
    store::migrate(*db);
    auto f = store::read_farm(*db);
    CHECK(f.rollouts.empty());
    CHECK(f.instances.at("old").goal == messages::instance_goal::run);
    CHECK(f.instances.at("new").goal == messages::instance_goal::stop);
    CHECK(f.groups.at(1).deployed_version == 1);
    CHECK(f.groups.at(1).pending_version == 0);
    CHECK(f.versions.at(1).state == messages::version_state::deployed);
    CHECK(f.versions.at(2).state == messages::version_state::superseded);
    CHECK(f.versions.at(2).applications.at(0).name == "web");
    // The agent is told all of it anew.
    CHECK(f.machines.at("m").generation == 5);
  }
}

TEST_CASE("a rollout of schema 3 that was past the point of no return has succeeded") {
  auto db = connection_to_empty_database();
  store::migrate(*db, migrations_to(3));
  fill_with_rollout_of_schema_3(*db, "stopping_old", true);
  store::migrate(*db);
  auto f = store::read_farm(*db);
  CHECK(f.rollouts.empty());
  CHECK(f.instances.at("old").goal == messages::instance_goal::stop);
  CHECK(f.instances.at("new").goal == messages::instance_goal::run);
  CHECK(f.groups.at(1).deployed_version == 2);
  CHECK(f.versions.at(2).state == messages::version_state::deployed);
}

TEST_CASE("what schema 3 did not know has its defaults") {
  auto db = connection_to_empty_database();
  store::migrate(*db, migrations_to(3));
  fill_with_rollout_of_schema_3(*db, "fetching", false);
  store::migrate(*db);
  auto f = store::read_farm(*db);
  CHECK(f.groups.at(1).stopped.empty());
  CHECK(f.instances.at("old").group_id == 1);
  CHECK(f.instances.at("old").revision == 0);
  const auto& kept = f.receipts.at("o");
  CHECK(kept.versions == std::vector<messages::group_version>{{"demo", "shop", 2, 0}});
  CHECK(kept.seq == 7);
  CHECK(kept.digest == 0);
}
