#include "store/sqlite_connection.hpp"
#include "store/store.hpp"
#include "test/store/fresh_database.hpp"
#include "test/store/temporary_directory.hpp"

#include <doctest/doctest.h>

#include <fstream>
#include <unistd.h>

#include <sys/stat.h>

using namespace deployminator;
using namespace deployminator::test;
using messages::failure_code;

namespace {

messages::failure opening_refusal(const std::string& url) {
  auto s = store::open_store(url);
  REQUIRE_FALSE(s);
  CHECK_FALSE(s.error().hint.empty());
  return s.error();
}

std::string content(const std::string& file) {
  std::ifstream in{file, std::ios::binary};
  return {std::istreambuf_iterator<char>{in}, {}};
}

mode_t mode(const std::string& path) {
  struct stat s {};
  REQUIRE(::stat(path.c_str(), &s) == 0);
  return s.st_mode & 0777;
}

/// Nobody's rights, for a test that runs as root.
class without_root {
public:
  without_root() {
    REQUIRE((root_ == 0 ? ::seteuid(65534) : 0) == 0);
  }
  ~without_root() {
    CHECK((root_ == 0 ? ::seteuid(root_) : 0) == 0);
  }

private:
  uid_t root_ = ::geteuid();
};

} // namespace

TEST_CASE("a store is created with its directory, for its owner's eyes only") {
  temporary_directory directory;
  auto file = directory.file("state/store.db");
  auto s = opened("sqlite:" + file);
  REQUIRE(s->begin_epoch());
  messages::farm empty;
  empty.store_id = s->load()->store_id;
  CHECK(*s->load() == empty);
  CHECK(mode(file) == 0600);
  CHECK(mode(file + "-wal") == 0600);
  CHECK(mode(directory.file("state")) == 0700);
}

TEST_CASE("a store in memory goes when it is closed") {
  auto s = opened("sqlite::memory:");
  CHECK(*s->begin_epoch() == 1);
  CHECK(*opened("sqlite::memory:")->begin_epoch() == 1);
}

TEST_CASE("a store's URL that is not understood is refused") {
  for (const auto* url :
       {"", "sqlite:", "sqlite", "/var/lib/x.db", "postgres://x", "mysql://nobody"})
    CHECK(opening_refusal(url).code == failure_code::invalid);
}

TEST_CASE("a directory that cannot be made is told") {
  temporary_directory directory;
  auto why = opening_refusal("sqlite:" + directory.file("a/b/store.db"));
  CHECK(why.message.find("cannot create the directory " + directory.file("a/b"))
        != std::string::npos);
  CHECK(why.message.find("No such file or directory") != std::string::npos);
  CHECK_FALSE(std::filesystem::exists(directory.file("a")));
}

TEST_CASE("a directory is no database") {
  temporary_directory directory;
  CHECK(opening_refusal("sqlite:" + directory.path().string()).message.find("cannot be opened")
        != std::string::npos);
}

TEST_CASE("a file that is no database is refused and left alone") {
  temporary_directory directory;
  auto file = directory.file("notes.txt");
  std::ofstream{file} << "This is a text, long enough to be taken for the page of a database. "
                         "It goes on and on, and nobody may write into it.";
  auto before = content(file);
  auto why = opening_refusal("sqlite:" + file);
  CHECK(why.code == failure_code::invalid);
  CHECK(why.message.find(file + " is no SQLite database") != std::string::npos);
  CHECK(content(file) == before);
}

TEST_CASE("another program's database is refused and left alone") {
  temporary_directory directory;
  auto file = directory.file("songs.db");
  store::run(*store::open_sqlite(file), "CREATE TABLE songs (id BIGINT)");
  auto before = content(file);
  CHECK(opening_refusal("sqlite:" + file).code == failure_code::invalid);
  CHECK(content(file) == before);
}

TEST_CASE("a database with a newer schema is refused") {
  temporary_directory directory;
  auto file = directory.file("store.db");
  opened("sqlite:" + file);
  store::run(*store::open_sqlite(file),
             "INSERT INTO schema_version (number, applied) VALUES (999, 'later')");
  auto why = opening_refusal("sqlite:" + file);
  CHECK(why.code == failure_code::unsupported);
  CHECK(why.message.find(file + " has schema 999") != std::string::npos);
}

TEST_CASE("a database that may not be written is refused") {
  temporary_directory directory;
  auto file = directory.file("store.db");
  opened("sqlite:" + file);
  REQUIRE(::chmod(directory.path().c_str(), 0755) == 0);
  REQUIRE(::chmod(file.c_str(), 0444) == 0);
  without_root rights;
  auto why = opening_refusal("sqlite:" + file);
  CHECK(why.code == failure_code::internal);
  CHECK(why.message.find(file) != std::string::npos);
}

TEST_CASE("a database that was cut off is told as damaged") {
  temporary_directory directory;
  auto file = directory.file("store.db");
  opened("sqlite:" + file);
  std::filesystem::resize_file(file, std::filesystem::file_size(file) / 2);
  auto why = opening_refusal("sqlite:" + file);
  CHECK(why.message.find(file + " is damaged") != std::string::npos);
}
