#include "messages/farm.hpp"
#include "store/connection.hpp"
#include "store/sqlite_connection.hpp"

#include <doctest/doctest.h>

#include <functional>

using namespace deployminator;

namespace {

std::string damage_of(const std::function<void()>& f) {
  try {
    f();
  } catch (const store::damage& e) {
    return e.what();
  }
  return "none";
}

} // namespace

TEST_CASE("a value that we never write is told with its column and what was expected") {
  auto db = store::open_sqlite(":memory:");
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
