#include "agent/linux/data_directory.hpp"
#include "test/agent/linux/machine.hpp"

#include <sys/stat.h>

using namespace deployminator::agent;
using namespace deployminator::agent::testing;

namespace {

mode_t mode_of(const std::string& path) {
  struct stat info {};
  return stat(path.c_str(), &info) == 0 ? info.st_mode & 07777 : 0;
}

} // namespace

TEST_CASE("data is made once, closed to others, below directories that nobody can list") {
  scratch root;
  auto all = root / "data";
  auto made = make_data_directory(all, "shop/web/server/uploads");
  REQUIRE(made);
  CHECK(made->path == all + "/shop/web/server/uploads");
  CHECK(made->is_new);
  CHECK(mode_of(made->path) == 0700);
  for (const char* above : {"/shop", "/shop/web", "/shop/web/server"})
    CHECK(mode_of(all + above) == 0711);
  write(made->path + "/x", "kept");
  auto again = make_data_directory(all, "shop/web/server/uploads");
  REQUIRE(again);
  CHECK_FALSE(again->is_new);
  CHECK(content(again->path + "/x") == "kept");
}

TEST_CASE("what an agent that was killed had half made is no obstacle") {
  scratch root;
  auto all = root / "data";
  REQUIRE(make_data_directory(all, "shop/web/server/a"));
  REQUIRE(mkdir((all + "/shop/web/server/.uploads.tmp").c_str(), 0700) == 0);
  auto made = make_data_directory(all, "shop/web/server/uploads");
  REQUIRE(made);
  CHECK(made->is_new);
  CHECK(mode_of(made->path) == 0700);
}

TEST_CASE("a file in the place of data is told, and stays") {
  scratch root;
  auto all = root / "data";
  REQUIRE(make_data_directory(all, "shop/web/server/a"));
  write(all + "/shop/web/server/uploads", "mine");
  auto made = make_data_directory(all, "shop/web/server/uploads");
  REQUIRE_FALSE(made);
  CHECK(made.error().message.find("uploads") != std::string::npos);
  CHECK(content(all + "/shop/web/server/uploads") == "mine");
}
