#include "store/batch.hpp"
#include "test/store/fresh_database.hpp"

#include <doctest/doctest.h>
#include <fmt/format.h>

#include <array>

using namespace deployminator;
using namespace deployminator::test;

namespace {

std::vector<store::parameters> rows_of(std::size_t count, std::size_t bytes) {
  std::vector<store::parameters> all;
  for (std::size_t i = 0; i < count; ++i)
    all.push_back(store::row_of(i, std::string(bytes, 'x')));
  return all;
}

} // namespace

TEST_CASE("a statement is about a power of two of rows, and about no more than a packet takes") {
  CHECK(store::batch_size(rows_of(0, 1), 0) == 0);
  CHECK(store::batch_size(rows_of(1, 1), 0) == 1);
  CHECK(store::batch_size(rows_of(7, 1), 0) == 4);
  CHECK(store::batch_size(rows_of(7, 1), 4) == 2);
  CHECK(store::batch_size(rows_of(7, 1), 6) == 1);
  CHECK(store::batch_size(rows_of(5000, 1), 0) == 256);
  CHECK(store::batch_size(rows_of(5000, 100'000), 0) == 8);
  CHECK(store::batch_size(rows_of(5, 5'000'000), 0) == 1);
}

TEST_CASE("any number of rows is written, each once") {
  auto db = connection_to_empty_database();
  store::run(
    *db, fmt::format("CREATE TABLE t (id BIGINT PRIMARY KEY, s LONGBLOB) {}", db->words().options));
  for (auto count : std::array<std::size_t, 5>{0, 1, 3, 300, 1023}) {
    CAPTURE(count);
    store::run(*db, "DELETE FROM t");
    store::run_batch(*db, {"INSERT INTO t (id, s) VALUES ", "(?, ?)", ""}, rows_of(count, 20));
    store::rows found{*db, "SELECT COUNT(*) FROM t"};
    REQUIRE(found.next());
    CHECK(found.number(0) == count);
  }
}
