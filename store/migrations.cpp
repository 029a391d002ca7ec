#include "store/migrations.hpp"

#include "store/error.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace deployminator::store {

namespace {

using messages::failure;
using messages::failure_code;

constexpr std::string_view version_table = R"(
  CREATE TABLE IF NOT EXISTS schema_version (
    number {row_id} PRIMARY KEY,
    applied VARCHAR(32) NOT NULL
  ) {options})";

const migration first{
  1,
  {R"(
  CREATE TABLE appgroup (
    id {row_id} PRIMARY KEY,
    namespace VARCHAR(255) NOT NULL,
    groupname VARCHAR(255) NOT NULL,
    deployedversion BIGINT NOT NULL,
    pendingversion BIGINT NOT NULL,
    UNIQUE (namespace, groupname)
  ) {options})",
   R"(
  CREATE TABLE group_version (
    id {row_id} PRIMARY KEY,
    group_id BIGINT NOT NULL,
    created VARCHAR(32) NOT NULL,
    build BIGINT NOT NULL,
    repository TEXT NOT NULL,
    artifact_id TEXT NOT NULL,
    branch TEXT NOT NULL,
    commit_id TEXT NOT NULL,
    state VARCHAR(32) NOT NULL,
    last_deployed BIGINT NOT NULL,
    FOREIGN KEY (group_id) REFERENCES appgroup (id)
  ) {options})",
   R"(
  CREATE TABLE appdef (
    id {row_id} PRIMARY KEY,
    name VARCHAR(255) NOT NULL,
    repository TEXT NOT NULL,
    artifact_id TEXT NOT NULL,
    sha256 VARCHAR(64) NOT NULL,
    definition LONGBLOB NOT NULL
  ) {options})",
   R"(
  CREATE TABLE lnk_app_grp (
    id {row_id} PRIMARY KEY,
    group_version_id BIGINT NOT NULL,
    app_id BIGINT NOT NULL,
    position BIGINT NOT NULL,
    UNIQUE (group_version_id, position),
    FOREIGN KEY (group_version_id) REFERENCES group_version (id),
    FOREIGN KEY (app_id) REFERENCES appdef (id)
  ) {options})",
   R"(
  CREATE TABLE instance (
    id VARCHAR(64) NOT NULL PRIMARY KEY,
    version_id BIGINT NOT NULL,
    application VARCHAR(255) NOT NULL,
    machine VARCHAR(255) NOT NULL,
    goal VARCHAR(32) NOT NULL,
    seen LONGBLOB NOT NULL,
    FOREIGN KEY (version_id) REFERENCES group_version (id)
  ) {options})",
   R"(
  CREATE TABLE machine (
    name VARCHAR(255) NOT NULL PRIMARY KEY,
    identity VARCHAR(255) NOT NULL,
    machine_groups LONGBLOB NOT NULL,
    memory_mb BIGINT NOT NULL,
    agent_version VARCHAR(255) NOT NULL,
    last_seen VARCHAR(32) NOT NULL,
    generation BIGINT NOT NULL
  ) {options})",
   R"(
  CREATE TABLE rollout (
    group_id {row_id} PRIMARY KEY,
    version_id BIGINT NOT NULL,
    previous_version BIGINT NOT NULL,
    phase VARCHAR(32) NOT NULL,
    started VARCHAR(32) NOT NULL,
    reason LONGBLOB NOT NULL,
    FOREIGN KEY (group_id) REFERENCES appgroup (id)
  ) {options})",
   R"(
  CREATE TABLE client_order (
    id VARCHAR(64) NOT NULL PRIMARY KEY,
    created VARCHAR(32) NOT NULL,
    versions LONGBLOB NOT NULL
  ) {options})",
   R"(
  CREATE TABLE event (
    seq {row_id} PRIMARY KEY,
    time VARCHAR(32) NOT NULL,
    type VARCHAR(64) NOT NULL,
    content LONGBLOB NOT NULL
  ) {options})",
   R"(
  CREATE TABLE meta (
    id {row_id} PRIMARY KEY,
    epoch BIGINT NOT NULL,
    change_number BIGINT NOT NULL,
    last_event BIGINT NOT NULL
  ) {options})",
   "INSERT INTO meta (id, epoch, change_number, last_event) VALUES (1, 0, 0, 0)"}};

const migration second{2, {"ALTER TABLE client_order ADD COLUMN seq BIGINT NOT NULL DEFAULT 0"}};

const migration third{3,
                      {"ALTER TABLE machine ADD COLUMN ports LONGBLOB",
                       R"(UPDATE machine SET ports = '{{"list":[],"problem":""}}')"}};

/// A rollout knows the instances that come and leave. What was under way is given up: what it began
/// stops, and the deployed versions stay.
const migration fourth{
  4,
  {"ALTER TABLE appgroup ADD COLUMN stopped LONGBLOB",
   "UPDATE appgroup SET stopped = '[]', pendingversion = 0",
   "ALTER TABLE instance ADD COLUMN revision BIGINT NOT NULL DEFAULT 0",
   R"(
  UPDATE instance SET goal = 'stop' WHERE version_id IN
    (SELECT version_id FROM rollout WHERE phase IN ('fetching', 'starting', 'stopping_new')))",
   "UPDATE machine SET generation = generation + 1",
   "ALTER TABLE machine ADD COLUMN lost BIGINT NOT NULL DEFAULT 0",
   "UPDATE group_version SET state = 'superseded' WHERE state = 'pending'", "DROP TABLE rollout",
   R"(
  CREATE TABLE rollout (
    group_id {row_id} PRIMARY KEY,
    number BIGINT NOT NULL,
    from_version BIGINT NOT NULL,
    to_version BIGINT NOT NULL,
    phase VARCHAR(32) NOT NULL,
    started VARCHAR(32) NOT NULL,
    coming LONGBLOB NOT NULL,
    leaving LONGBLOB NOT NULL,
    each_alone BIGINT NOT NULL,
    purpose LONGBLOB NOT NULL,
    failure LONGBLOB NOT NULL,
    order_id VARCHAR(64) NOT NULL,
    FOREIGN KEY (group_id) REFERENCES appgroup (id)
  ) {options})",
   "ALTER TABLE client_order ADD COLUMN digest BIGINT NOT NULL DEFAULT 0",
   "ALTER TABLE client_order ADD COLUMN who VARCHAR(255) NOT NULL DEFAULT ''"}};

const migration fifth{5,
                      {R"(
  CREATE TABLE access_key (
    id {row_id} PRIMARY KEY,
    name VARCHAR(255) NOT NULL,
    role VARCHAR(32) NOT NULL,
    public_key VARCHAR(64) NOT NULL,
    namespaces LONGBLOB NOT NULL,
    machine_groups LONGBLOB NOT NULL,
    created VARCHAR(32) NOT NULL,
    created_by VARCHAR(255) NOT NULL,
    revoked VARCHAR(32) NOT NULL
  ) {options})",
                       "ALTER TABLE meta ADD COLUMN store_id VARCHAR(64) NOT NULL DEFAULT ''",
                       R"(
  ALTER TABLE group_version ADD COLUMN created_by VARCHAR(255) NOT NULL DEFAULT '')",
                       "ALTER TABLE client_order ADD COLUMN what VARCHAR(32) NOT NULL DEFAULT ''",
                       "ALTER TABLE client_order ADD COLUMN ends LONGBLOB",
                       "UPDATE client_order SET ends = '[]'"}};

const migration sixth{
  6, {"ALTER TABLE machine ADD COLUMN troubles LONGBLOB", "UPDATE machine SET troubles = '[]'"}};

/// A rollout may ask a person and be held by one. Versions are deleted, so whoever refers to one is
/// found without a look at all.
const migration seventh{
  7,
  {"CREATE INDEX instance_version ON instance (version_id)",
   "CREATE INDEX lnk_app_grp_app ON lnk_app_grp (app_id)",
   "CREATE INDEX group_version_group ON group_version (group_id)",
   "ALTER TABLE rollout ADD COLUMN canary VARCHAR(32) NOT NULL DEFAULT 'none'",
   "ALTER TABLE rollout ADD COLUMN paused BIGINT NOT NULL DEFAULT 0",
   "ALTER TABLE rollout ADD COLUMN aborted BIGINT NOT NULL DEFAULT 0"}};

const migration eighth{8, {"ALTER TABLE machine ADD COLUMN draining BIGINT NOT NULL DEFAULT 0"}};

/// One of several servers leads, as long as its lease lasts.
const migration ninth{9,
                      {"ALTER TABLE meta ADD COLUMN holder VARCHAR(255) NOT NULL DEFAULT ''",
                       "ALTER TABLE meta ADD COLUMN lease_end BIGINT NOT NULL DEFAULT 0",
                       R"(
  CREATE TABLE server (
    name VARCHAR(255) NOT NULL,
    listen VARCHAR(255) NOT NULL,
    epoch BIGINT NOT NULL,
    version VARCHAR(255) NOT NULL,
    since BIGINT NOT NULL,
    seen BIGINT NOT NULL,
    PRIMARY KEY (name, listen)
  ) {options})"}};

void run_in_words_of(connection& db, std::string_view sql) {
  auto words = db.words();
  run(db, fmt::format(fmt::runtime(sql), fmt::arg("row_id", words.row_id),
                      fmt::arg("options", words.options)));
}

/// The schema's number; 0 for an empty database.
std::uint64_t read_schema(connection& db) {
  auto tables = db.tables();
  auto has = [&](std::string_view name) {
    return std::find(tables.begin(), tables.end(), name) != tables.end();
  };
  if (tables.empty())
    return 0;
  if (!has("schema_version") || (!has("appgroup") && tables.size() > 1))
    throw store_error(failure{failure_code::invalid,
                              fmt::format("the database {} is another program's: it has tables "
                                          "(the first is `{}`), but none of ours",
                                          db.name(), tables.front()),
                              "name another one, or one that is empty"});
  rows found{db, "SELECT number FROM schema_version ORDER BY number DESC LIMIT 1"};
  return found.next() ? found.number(0) : 0;
}

/// The first schema that was begun and not finished; 0: none was. A database that cannot undo
/// changes of its schema keeps the mark, when the server that made them ends in between.
std::uint64_t unfinished_schema_of(connection& db) {
  rows found{db, "SELECT number FROM schema_version WHERE applied = '' ORDER BY number LIMIT 1"};
  return found.next() ? found.number(0) : 0;
}

/// The tables that the migrations create, in their order.
std::vector<std::string> created_tables(const std::vector<migration>& migrations) {
  constexpr std::string_view words = "CREATE TABLE ";
  std::vector<std::string> out;
  for (const auto& each : migrations)
    for (auto sql : each.statements)
      if (auto at = sql.find(words); at != std::string_view::npos) {
        auto name = sql.substr(at + words.size());
        out.emplace_back(name.substr(0, name.find_first_of(" (")));
      }
  return out;
}

/// A database that no server has used yet, since setting it up was cut off: it is made anew.
void empty(connection& db, const std::vector<migration>& migrations) {
  auto names = created_tables(migrations);
  // What refers to another table comes after it.
  for (auto each = names.rbegin(); each != names.rend(); ++each)
    run(db, fmt::format("DROP TABLE IF EXISTS {}", *each));
  run(db, "DELETE FROM schema_version");
}

void refuse_unfinished(connection& db) {
  if (auto number = unfinished_schema_of(db); number != 0)
    throw store_error(failure{failure_code::invalid,
                              fmt::format("the database {} is half-way to schema {}: what changed "
                                          "it was cut off",
                                          db.name(), number),
                              "restore the backup from before the upgrade"});
}

} // namespace

const std::vector<migration>& all_migrations() {
  static const std::vector<migration> all{first, second,  third,  fourth, fifth,
                                          sixth, seventh, eighth, ninth};
  return all;
}

std::uint64_t schema_of(connection& db) {
  auto schema = read_schema(db);
  if (schema != 0)
    refuse_unfinished(db);
  return schema;
}

void migrate(connection& db, const std::vector<migration>& migrations) {
  transaction whole{db, scope::schema};
  auto schema = read_schema(db);
  auto newest = migrations.back().number;
  if (schema > newest)
    throw store_error(failure{failure_code::unsupported,
                              fmt::format("the database {} has schema {}, this build knows schemas "
                                          "up to {}",
                                          db.name(), schema, newest),
                              "start the newer deployminator that wrote it, or name another one"});
  run_in_words_of(db, version_table);
  if (unfinished_schema_of(db) == 1) {
    empty(db, migrations);
    schema = 0;
  }
  refuse_unfinished(db);
  // All that are to come are marked first, so that it shows which was the first.
  for (const auto& each : migrations)
    if (each.number > schema)
      run(db, "INSERT INTO schema_version (number, applied) VALUES (?, '')", each.number);
  for (const auto& each : migrations)
    if (each.number > schema)
      for (auto sql : each.statements)
        run_in_words_of(db, sql);
  run(db, "UPDATE schema_version SET applied = ? WHERE applied = ''", messages::system_utc_now());
  whole.commit();
}

} // namespace deployminator::store
