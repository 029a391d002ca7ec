#include "store/error.hpp"
#include "store/sqlite_connection.hpp"
#include "test/store/temporary_directory.hpp"

#include <doctest/doctest.h>

#include <functional>
#include <limits>

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

messages::failure failure_of(const std::function<void()>& f) {
  try {
    f();
  } catch (const store::store_error& e) {
    return e.why();
  }
  FAIL("nothing failed");
  return {};
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

TEST_CASE("integers, texts and blobs come back as they went") {
  auto db = store::open_sqlite(":memory:");
  store::run(*db, "CREATE TABLE t (i BIGINT, s TEXT, b LONGBLOB)");
  std::string bytes{"\0\xff'\n", 4};
  std::int64_t lowest = std::numeric_limits<std::int64_t>::min();
  store::run(*db, "INSERT INTO t VALUES (?, ?, ?)", lowest, bytes, store::document{bytes, false});
  store::rows found{*db, "SELECT i, s, b FROM t"};
  REQUIRE(found.next());
  CHECK(found.number(0) == static_cast<std::uint64_t>(lowest));
  CHECK(found.text(1) == bytes);
  CHECK(found.text(2) == bytes);
  CHECK_FALSE(found.next());
}

TEST_CASE("a statement is prepared once") {
  auto db = store::open_sqlite(":memory:");
  CHECK(&db->prepare("SELECT 1") == &db->prepare("SELECT 1"));
}

TEST_CASE("a transaction that was not committed is undone") {
  auto db = store::open_sqlite(":memory:");
  store::run(*db, "CREATE TABLE t (i BIGINT)");
  {
    store::transaction half{*db};
    store::run(*db, "INSERT INTO t VALUES (1)");
  }
  CHECK_FALSE(store::rows{*db, "SELECT i FROM t"}.next());
  store::transaction whole{*db};
  store::run(*db, "INSERT INTO t VALUES (1)");
  whole.commit();
  CHECK(store::rows{*db, "SELECT i FROM t"}.next());
}

TEST_CASE("a writer waits for another one, but not for ever") {
  temporary_directory directory;
  auto file = directory.file("a.db");
  auto first = store::open_sqlite(file, 20ms);
  auto second = store::open_sqlite(file, 20ms);
  store::transaction open{*first};
  auto why = failure_of([&] { second->begin(); });
  CHECK(why.code == failure_code::timeout);
  CHECK(why.message.find(file + " is being written by another process") != std::string::npos);
  CHECK(failure_of([&] { second->settle(); }).code == failure_code::timeout);
  open.commit();
  second->settle();
  second->begin();
  second->rollback();
}

TEST_CASE("an SQL error is a failure that names the file, and the statement can be run again") {
  temporary_directory directory;
  auto file = directory.file("a.db");
  auto db = store::open_sqlite(file);
  CHECK(failure_of([&] { db->prepare("SELEKT 1"); }).message.find(file) != std::string::npos);
  store::run(*db, "CREATE TABLE t (i BIGINT PRIMARY KEY)");
  for (int i = 0; i < 2; ++i) {
    store::run(*db, "INSERT INTO t VALUES (?)", i);
    auto why = failure_of([&] { store::run(*db, "INSERT INTO t VALUES (?)", i); });
    CHECK(why.code == failure_code::internal);
    CHECK(why.message.find("UNIQUE") != std::string::npos);
  }
}
