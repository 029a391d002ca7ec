#include "messages/farm.hpp"
#include "store/connection.hpp"
#include "store/error.hpp"
#include "test/store/failure_of.hpp"
#include "test/store/fresh_database.hpp"

#include <doctest/doctest.h>
#include <fmt/format.h>

#include <functional>
#include <limits>

using namespace deployminator;
using namespace deployminator::test;

namespace {

std::string damage_of(const std::function<void()>& f) {
  try {
    f();
  } catch (const store::damage& e) {
    return e.what();
  }
  return "none";
}

void create(store::connection& db, const std::string& columns) {
  store::run(db, fmt::format("CREATE TABLE t ({}) {}", columns, db.words().options));
}

} // namespace

TEST_CASE("a value that we never write is told with its column and what was expected") {
  auto db = connection_to_empty_database();
  store::rows found{*db, "SELECT 'x' AS build, 'soon' AS created, 'odd' AS goal, '{' AS seen"};
  REQUIRE(found.next());
  CHECK(damage_of([&] { found.number(0); }) == "`build` is \"x\", expected a whole number");
  CHECK(damage_of([&] { found.time(1); })
        == "`created` is \"soon\", expected a UTC time like 2026-01-31T09:30:00.000001Z");
  CHECK(damage_of([&] { found.name_of<messages::instance_goal>(2); })
        == "`goal` is \"odd\", expected one of fetch, run, stop");
  CHECK(damage_of([&] {
          found.value<messages::observation>(3);
        }).starts_with("`seen` cannot be read: it is not JSON"));
}

TEST_CASE("integers, texts and blobs come back as they went") {
  auto db = connection_to_empty_database();
  create(*db, "i BIGINT, s TEXT, b LONGBLOB");
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
  auto db = connection_to_empty_database();
  CHECK(&db->prepare("SELECT 1") == &db->prepare("SELECT 1"));
}

TEST_CASE("a transaction that was not committed is undone") {
  auto db = connection_to_empty_database();
  create(*db, "i BIGINT");
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

TEST_CASE("an SQL error is a failure that names the database, and the statement can be run again") {
  auto db = connection_to_empty_database();
  auto selekt = failure_of([&] { store::rows{*db, "SELEKT 1"}.next(); });
  CHECK(selekt.message.find(db->name()) != std::string::npos);
  create(*db, "i BIGINT PRIMARY KEY");
  for (int i = 0; i < 2; ++i) {
    store::run(*db, "INSERT INTO t VALUES (?)", i);
    auto why = failure_of([&] { store::run(*db, "INSERT INTO t VALUES (?)", i); });
    CHECK(why.code == messages::failure_code::internal);
    CHECK(why.message.find("refuses rows that do not fit") != std::string::npos);
  }
}

TEST_CASE("large values come back as they went") {
  auto db = connection_to_empty_database();
  create(*db, "b LONGBLOB");
  std::string bytes;
  for (std::size_t i = 0; i < 3'000'000; ++i)
    bytes += static_cast<char>(i * i / 7);
  store::run(*db, "INSERT INTO t VALUES (?)", store::document{bytes, false});
  store::rows found{*db, "SELECT b FROM t"};
  REQUIRE(found.next());
  CHECK(found.text(0) == bytes);
}

TEST_CASE("an update counts the rows that it finds, be they what they were already") {
  auto db = connection_to_empty_database();
  create(*db, "i BIGINT PRIMARY KEY, s TEXT");
  CHECK(store::run(*db, "INSERT INTO t VALUES (1, 'a'), (2, 'b')") == 2);
  CHECK(store::run(*db, "UPDATE t SET s = 'a' WHERE i = 1") == 1);
  CHECK(store::run(*db, "UPDATE t SET s = 'c'") == 2);
  CHECK(store::run(*db, "UPDATE t SET s = 'c' WHERE i = 3") == 0);
  CHECK(store::run(*db, "DELETE FROM t WHERE i < 3") == 2);
}

TEST_CASE("texts are kept as they are: capitals, blanks and bytes that are no UTF-8") {
  auto db = connection_to_empty_database();
  create(*db, "s VARCHAR(255) NOT NULL PRIMARY KEY");
  for (const std::string text :
       {"shop", "Shop", "shop ", "sh\xff\xfeop", "Z\xc3\xbcrich", "Zurich"})
    store::run(*db, "INSERT INTO t VALUES (?)", text);
  store::rows found{*db, "SELECT COUNT(*) FROM t"};
  REQUIRE(found.next());
  CHECK(found.number(0) == 6);
}
