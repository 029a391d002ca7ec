#include "store/migrations.hpp"
#include "store/sql_store.hpp"
#include "store/sqlite_connection.hpp"
#include "test/store/fresh_database.hpp"
#include "test/store/temporary_directory.hpp"

#include <doctest/doctest.h>

#include <csignal>

#include <sys/resource.h>

using namespace deployminator;
using namespace deployminator::test;
using messages::failure_code;

namespace {

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

TEST_CASE("whoever refers to a row that is deleted is found without a look at all rows") {
  auto db = connection_to_empty_database();
  store::migrate(*db);
  store::rows slow{*db, R"(
    SELECT t.name || '.' || r."from" FROM sqlite_master t JOIN pragma_foreign_key_list(t.name) r
    WHERE t.type = 'table'
      AND NOT EXISTS (SELECT 1 FROM pragma_table_info(t.name) WHERE name = r."from" AND pk = 1)
      AND NOT EXISTS (SELECT 1 FROM pragma_index_list(t.name) l JOIN pragma_index_info(l.name) c
                      WHERE c.seqno = 0 AND c.name = r."from"))"};
  std::string names;
  while (slow.next())
    names += slow.text(0) + " ";
  CHECK(names == std::string{});
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
