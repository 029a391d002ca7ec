#include "store/open_connection.hpp"
#include "test/store/fresh_database.hpp"
#include "test/store/temporary_directory.hpp"

#include <doctest/doctest.h>
#include <sqlite3.h>

namespace deployminator::test {

database fresh_database() {
  auto directory = std::make_shared<temporary_directory>();
  auto file = directory->file("store.db");
  return {"sqlite:" + file, file, directory};
}

std::unique_ptr<store::connection> connection_to_empty_database() {
  return store::open_connection("sqlite::memory:", {});
}

std::unique_ptr<store::connection> connection_to(const database& d) {
  return store::open_connection(d.url, {});
}

bool damage(const database& d, const std::string& sql) {
  sqlite3* db = nullptr;
  REQUIRE(sqlite3_open(d.name.c_str(), &db) == SQLITE_OK);
  CHECK(sqlite3_exec(db, sql.c_str(), nullptr, nullptr, nullptr) == SQLITE_OK);
  CHECK(sqlite3_changes(db) == 1);
  sqlite3_close(db);
  return true;
}

std::vector<std::string> references_of(store::connection& db, const std::string& table) {
  store::rows found{db,
                    "SELECT \"from\", \"table\", \"to\" FROM pragma_foreign_key_list(?) "
                    "ORDER BY 1",
                    table};
  std::vector<std::string> all;
  while (found.next())
    all.push_back(found.text(0) + " -> " + found.text(1) + "." + found.text(2));
  return all;
}

} // namespace deployminator::test
