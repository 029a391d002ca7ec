#include "store/error.hpp"
#include "store/sqlite_connection.hpp"
#include "test/store/failure_of.hpp"
#include "test/store/temporary_directory.hpp"

#include <doctest/doctest.h>

using namespace deployminator;
using namespace deployminator::test;
using messages::failure_code;
using namespace std::chrono_literals;

namespace {

std::string pragma(store::connection& db, const std::string& name) {
  store::rows found{db, "PRAGMA " + name};
  REQUIRE(found.next());
  return found.text(0);
}

} // namespace

TEST_CASE("a commit is synced to disk, references are checked, readers stop no writer") {
  temporary_directory directory;
  auto db = store::open_sqlite(directory.file("a.db"));
  db->settle();
  CHECK(pragma(*db, "journal_mode") == "wal");
  CHECK(pragma(*db, "synchronous") == "2");
  CHECK(pragma(*db, "foreign_keys") == "1");
}

TEST_CASE("a writer waits for another one, but not for ever") {
  temporary_directory directory;
  auto file = directory.file("a.db");
  auto first = store::open_sqlite(file, 20ms);
  auto second = store::open_sqlite(file, 20ms);
  store::transaction open{*first};
  auto why = failure_of([&] { second->begin(store::scope::rows); });
  CHECK(why.code == failure_code::timeout);
  CHECK(why.message.find(file + " is being written by another process") != std::string::npos);
  CHECK(failure_of([&] { second->settle(); }).code == failure_code::timeout);
  open.commit();
  second->settle();
  second->begin(store::scope::rows);
  second->rollback();
}
