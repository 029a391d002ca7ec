#include "store/mysql_settings.hpp"

#include "store/error.hpp"

#include <fmt/format.h>

namespace deployminator::store {

namespace {

using messages::failure;
using messages::failure_code;

constexpr std::uint64_t least_packet = 16'000'000;

void insist(bool holds, const connection& db, const std::string& what, const std::string& hint) {
  if (!holds)
    throw store_error(
      failure{failure_code::unsupported, fmt::format("the database {} {}", db.name(), what), hint});
}

} // namespace

void check_mysql_settings(connection& db) {
  rows found{db, "SELECT @@read_only, @@innodb_flush_log_at_trx_commit, @@log_bin, @@sync_binlog, "
                 "@@max_allowed_packet, @@sql_mode, @@character_set_client, "
                 "@@character_set_connection, @@autocommit"};
  insist(found.next(), db, "tells nothing of its settings", "");
  insist(found.number(0) == 0, db, "is read-only (read_only = 1): it is a replica",
         "name the primary");
  insist(found.number(1) == 1, db,
         fmt::format("may lose what it acknowledged (innodb_flush_log_at_trx_commit = {})",
                     found.number(1)),
         "set innodb_flush_log_at_trx_commit = 1 in the configuration of its server");
  insist(found.number(2) == 0 || found.number(3) == 1, db,
         fmt::format("may lose what it acknowledged (sync_binlog = {}, with a binary log)",
                     found.number(3)),
         "set sync_binlog = 1 in the configuration of its server");
  insist(found.number(4) >= least_packet, db,
         fmt::format("takes too little at once (max_allowed_packet = {}, expected 16M or more)",
                     found.number(4)),
         "set max_allowed_packet = 64M in the configuration of its server");
  insist(found.text(5).find("STRICT_ALL_TABLES") != std::string::npos, db,
         fmt::format("would cut values that do not fit (sql_mode = {})", found.text(5)),
         "let its server accept STRICT_ALL_TABLES in sql_mode");
  insist(found.text(6) == "utf8mb4" && found.text(7) == "utf8mb4", db,
         fmt::format("does not speak utf8mb4 (character_set_client = {}, "
                     "character_set_connection = {})",
                     found.text(6), found.text(7)),
         "see init_connect and skip-character-set-client-handshake in the configuration of its "
         "server");
  insist(found.number(8) == 1, db, "does not end transactions by itself (autocommit = 0)",
         "see init_connect in the configuration of its server");
}

void check_mysql_tables(connection& db) {
  rows found{db, "SELECT table_name, engine, table_collation FROM information_schema.tables "
                 "WHERE table_schema = DATABASE() AND table_type = 'BASE TABLE' "
                 "AND (engine <> 'InnoDB' OR table_collation <> 'binary') ORDER BY table_name"};
  if (found.next())
    insist(false, db,
           fmt::format("has the table {} as {} with the collation {}, expected InnoDB with binary",
                       found.text(0), found.text(1), found.text(2)),
           fmt::format("ALTER TABLE {0} ENGINE = InnoDB; where its collation was changed, restore "
                       "a backup",
                       found.text(0)));
}

} // namespace deployminator::store
