#include "agent/linux/storage_watch.hpp"
#include "test/agent/linux/machine.hpp"

#include <doctest/doctest.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string>
#include <unistd.h>

using namespace deployminator::agent;
using deployminator::agent::testing::scratch;

namespace {

namespace fs = std::filesystem;

struct places {
  scratch root;
  directories where = directories_below(root.path);

  places() {
    for (const auto& each : {where.lib, where.cache, where.log})
      fs::create_directories(each);
  }
};

void fill(const std::string& path, std::size_t bytes) {
  std::ofstream{path} << std::string(bytes, 'x');
}

} // namespace

TEST_CASE("where all is well nothing is found") {
  places p;
  CHECK(storage_watch{p.where}.look().empty());
}

TEST_CASE("a directory that is gone, or something else, is told until it is back") {
  places p;
  storage_watch watch{p.where};
  fs::remove(p.where.cache);
  REQUIRE(watch.look().size() == 1);
  CHECK(watch.look()[0].what
        == "cannot read the directory " + p.where.cache + ": No such file or directory");
  fill(p.where.cache, 1);
  CHECK(watch.look()[0].what == "cannot read the directory " + p.where.cache + ": Not a directory");
  fs::remove(p.where.cache);
  fs::create_directory(p.where.cache);
  CHECK(watch.look().empty());
}

TEST_CASE("a disk is full with less than a megabyte left, until there are four") {
  if (geteuid() != 0) {
    MESSAGE("skipped: a small file system can be mounted by root only");
    return;
  }
  places p;
  REQUIRE(std::system(("mount -t tmpfs -o size=8m,nr_inodes=20 none " + p.where.lib).c_str()) == 0);
  storage_watch watch{p.where};
  CHECK(watch.look().empty());
  fill(p.where.lib + "/a", 3 << 20);
  fill(p.where.lib + "/b", (4 << 20) + (1 << 19));
  REQUIRE(watch.look().size() == 1);
  auto full = watch.look()[0];
  CHECK(full.what == "the disk of " + p.where.lib + " is full");
  CHECK(full.hint == "free 4.0 MiB or more of it; everything goes on by itself then");
  fs::remove(p.where.lib + "/a");
  CHECK(watch.look().size() == 1);
  fs::remove(p.where.lib + "/b");
  CHECK(watch.look().empty());
  for (int i = 0; i < 20; ++i)
    fill(p.where.lib + "/" + std::to_string(i), 0);
  REQUIRE(watch.look().size() == 1);
  CHECK(watch.look()[0].what == full.what);
  CHECK(watch.look()[0].hint.starts_with("free some inodes"));
  REQUIRE(std::system(("umount -l " + p.where.lib).c_str()) == 0);
}
