#include "store/migrations.hpp"
#include "store/sql_store.hpp"
#include "store/sqlite_connection.hpp"
#include "test/store/contract.hpp"
#include "test/store/temporary_directory.hpp"

#include <doctest/doctest.h>
#include <fmt/format.h>

#include <csignal>

#include <sys/resource.h>

using namespace deployminator;
using namespace deployminator::test;
using messages::failure_code;

namespace {

std::unique_ptr<store::sql_store> store_in(const std::string& file, store::retention keep) {
  auto db = store::open_sqlite(file);
  store::migrate(*db);
  return std::make_unique<store::sql_store>(std::move(db), std::move(keep));
}

std::unique_ptr<store::sql_store> store_in_memory(store::retention keep) {
  return store_in(":memory:", std::move(keep));
}

messages::change steps(std::size_t count, std::size_t bytes = 10) {
  messages::change c;
  for (std::size_t i = 0; i < count; ++i)
    c.events.push_back(
      {0, {1}, "", "", 0, messages::rollout_step{"placed", std::string(bytes, 'x')}});
  return c;
}

/// While it lives, no file can grow beyond `bytes`, and writing says so instead of killing us.
class file_size_limit {
public:
  explicit file_size_limit(rlim_t bytes) {
    old_handler_ = std::signal(SIGXFSZ, SIG_IGN);
    ::getrlimit(RLIMIT_FSIZE, &old_);
    rlimit limit{bytes, old_.rlim_max};
    ::setrlimit(RLIMIT_FSIZE, &limit);
  }
  file_size_limit(const file_size_limit&) = delete;
  file_size_limit& operator=(const file_size_limit&) = delete;
  ~file_size_limit() {
    ::setrlimit(RLIMIT_FSIZE, &old_);
    std::signal(SIGXFSZ, old_handler_);
  }

private:
  rlimit old_{};
  void (*old_handler_)(int) = nullptr;
};

} // namespace

TEST_CASE("a store over SQLite keeps the contract") {
  check_contract([] {
    auto directory = std::make_shared<temporary_directory>();
    return database{"sqlite:" + directory->file("store.db"), directory};
  });
}

TEST_CASE("the newest events are kept under their numbers, older ones dropped") {
  store::retention keep;
  keep.events = 10;
  auto s = store_in_memory(keep);
  REQUIRE(s->begin_epoch());
  REQUIRE(s->commit(1, steps(7)));
  CHECK(s->events_after(0, 100)->size() == 7);
  REQUIRE(s->commit(2, steps(7)));
  auto kept = s->events_after(0, 100);
  REQUIRE(kept);
  REQUIRE(kept->size() == 10);
  CHECK(kept->front().seq == 5);
  CHECK(kept->back().seq == 14);
  CHECK(*s->commit(3, steps(25)) == 39);
  CHECK(s->events_after(0, 100)->front().seq == 30);
  CHECK(s->load()->last_event == 39);
}

TEST_CASE("the newest receipts are kept, whatever the clock says") {
  store::retention keep;
  keep.receipts = 3;
  auto s = store_in_memory(keep);
  REQUIRE(s->begin_epoch());
  for (std::uint64_t number = 1; number <= 5; ++number) {
    messages::change c;
    // The clock runs backwards.
    c.receipts.push_back({.id = fmt::format("order-{}", number),
                          .time = {static_cast<std::int64_t>(1'000'000 * (9 - number))},
                          .seq = number});
    REQUIRE(s->commit(number, c));
  }
  auto f = s->load();
  REQUIRE(f);
  std::vector<std::string> kept;
  for (const auto& [id, each] : f->receipts)
    kept.push_back(id);
  CHECK(kept == std::vector<std::string>{"order-3", "order-4", "order-5"});
}

TEST_CASE("older receipts are dropped while the server runs") {
  temporary_directory directory;
  auto file = directory.file("store.db");
  store::retention keep;
  keep.receipts = 3;
  keep.receipts_interval = 5;
  auto s = store_in(file, keep);
  REQUIRE(s->begin_epoch());
  auto count = [&] {
    auto db = store::open_sqlite(file);
    store::rows found{*db, "SELECT count(*) FROM client_order"};
    REQUIRE(found.next());
    return found.number(0);
  };
  for (std::uint64_t number = 1; number <= 9; ++number) {
    messages::change c;
    c.receipts.push_back({.id = fmt::format("order-{}", number), .seq = number});
    REQUIRE(s->commit(number, c));
    CHECK(count() <= 7);
  }
  CHECK(count() == 7);
}

TEST_CASE("a disk that is full fails a commit, changes nothing, and is got over") {
  temporary_directory directory;
  auto file = directory.file("store.db");
  auto s = opened("sqlite:" + file);
  REQUIRE(s->begin_epoch());
  REQUIRE(s->commit(1, steps(3)));
  auto before = s->load();
  REQUIRE(before);
  auto failed = [&] {
    file_size_limit full{std::filesystem::file_size(file + "-wal") + 10'000};
    return s->commit(2, steps(100, 1000));
  }();
  REQUIRE_FALSE(failed);
  CHECK(failed.error().code == failure_code::internal);
  CHECK(failed.error().message.find(file) != std::string::npos);
  CHECK(failed.error().hint.find("disk") != std::string::npos);
  CHECK(*s->load() == *before);
  CHECK(s->events_after(0, 1000)->size() == 3);
  auto again = s->commit(2, steps(100, 1000));
  REQUIRE(again);
  CHECK(*again == 103);
}

TEST_CASE("a database that may not grow fails a commit and stays usable") {
  temporary_directory directory;
  auto db = store::open_sqlite(directory.file("store.db"));
  auto& connection = *db;
  store::migrate(*db);
  store::sql_store s{std::move(db)};
  REQUIRE(s.begin_epoch());
  store::rows{connection, "PRAGMA max_page_count = 40"}.next();
  auto failed = s.commit(1, steps(300, 1000));
  REQUIRE_FALSE(failed);
  CHECK(failed.error().code == failure_code::internal);
  CHECK(failed.error().message.find("cannot grow") != std::string::npos);
  CHECK(s.load()->last_event == 0);
  CHECK(*s.commit(1, steps(2)) == 2);
}
