#include "test/store/mariadb_database.hpp"

#include "store/error.hpp"
#include "store/open_connection.hpp"

#include <fmt/format.h>

#include <atomic>

namespace deployminator::test {

namespace {

// Making tables is slow, so tables that were used are emptied.
std::vector<std::string> used_databases;

void empty_tables(const std::string& name) {
  auto db = store::open_connection(shared_mariadb().url(name), {});
  store::run(*db, "SET foreign_key_checks = 0");
  for (const auto& table : db->tables())
    if (table != "schema_version" && table != "meta")
      store::run(*db, "DELETE FROM " + table);
  store::run(*db, "DELETE FROM meta");
  store::run(*db, "INSERT INTO meta (id, epoch, change_number, last_event) VALUES (1, 0, 0, 0)");
}

/// Gives the database away for another use.
struct loan {
  std::string name;

  explicit loan(std::string of) : name(std::move(of)) {}
  loan(const loan&) = delete;
  loan& operator=(const loan&) = delete;
  ~loan() {
    used_databases.push_back(name);
  }
};

database lent(const std::string& name) {
  auto url = shared_mariadb().url(name);
  return {url, url, std::make_shared<loan>(name)};
}

std::string new_name() {
  static int count = 0;
  return fmt::format("store_{}", ++count);
}

} // namespace

mariadb_server& shared_mariadb() {
  static mariadb_server server;
  return server;
}

void order(mariadb_server& to, const std::string& sql) {
  auto db = store::open_connection(to.url("mysql"), {});
  store::run(*db, sql);
}

database new_database() {
  auto name = new_name();
  order(shared_mariadb(), fmt::format("CREATE DATABASE {} CHARACTER SET utf8mb4", name));
  auto url = shared_mariadb().url(name);
  return {url, url, {}};
}

database fresh_database() {
  while (!used_databases.empty()) {
    auto name = used_databases.back();
    used_databases.pop_back();
    try {
      empty_tables(name);
      return lent(name);
    } catch (const store::store_error&) {
      // A test has left something else in it.
    }
  }
  auto made = new_database();
  return lent(made.url.substr(made.url.rfind('/') + 1));
}

std::unique_ptr<store::connection> connection_to_empty_database() {
  return connection_to(new_database());
}

std::unique_ptr<store::connection> connection_to(const database& d) {
  return store::open_connection(d.url, {});
}

bool damage(const database& d, const std::string& sql) {
  auto db = connection_to(d);
  store::run(*db, "SET foreign_key_checks = 0");
  try {
    return store::run(*db, sql) == 1;
  } catch (const store::store_error&) {
    return false;
  }
}

std::vector<std::string> references_of(store::connection& db, const std::string& table) {
  store::rows found{db,
                    "SELECT column_name, referenced_table_name, referenced_column_name "
                    "FROM information_schema.key_column_usage WHERE table_schema = DATABASE() "
                    "AND referenced_table_name IS NOT NULL AND table_name = ? ORDER BY 1",
                    table};
  std::vector<std::string> all;
  while (found.next())
    all.push_back(found.text(0) + " -> " + found.text(1) + "." + found.text(2));
  return all;
}

} // namespace deployminator::test
