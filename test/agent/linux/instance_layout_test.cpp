#include "agent/linux/instance_layout.hpp"
#include "test/agent/linux/machine.hpp"

#include <doctest/doctest.h>

using namespace deployminator::agent;
using namespace deployminator::agent::testing;
using done = deployminator::messages::result<void>;

namespace {

/// Instances' directories, without a program to unpack with.
struct layout_bench {
  scratch root;
  directories where = directories_below(root.path);
  watch_loop loop;
  reservations reserved;
  instance_layout layout{loop, reserved, where, "/nowhere", {}};

  layout_bench() {
    std::filesystem::create_directories(where.instances());
    std::filesystem::create_directories(where.log);
  }

  void put(const std::string& path) {
    std::filesystem::create_directories(std::filesystem::path{path}.parent_path());
    write(path, "x");
  }

  [[nodiscard]] bool is_empty() const {
    return std::filesystem::is_empty(where.instances());
  }
};

} // namespace

TEST_CASE_FIXTURE(layout_bench, "the instances' directories are listed") {
  REQUIRE(layout.make("web-2"));
  REQUIRE(layout.make("web-1"));
  REQUIRE(layout.make("web-1"));
  auto names = layout.list();
  REQUIRE(names);
  CHECK(*names == std::vector<std::string>{"web-1", "web-2"});
}

TEST_CASE_FIXTURE(layout_bench, "a directory is made also where somebody removed all of them") {
  std::filesystem::remove_all(where.instances());
  CHECK(layout.make("web-1"));
  CHECK(std::filesystem::is_directory(where.instance("web-1")));
}

TEST_CASE_FIXTURE(layout_bench, "what an earlier agent was removing goes, however much it is") {
  for (int n = 0; n < 30; ++n)
    put(where.instance(".removed." + std::to_string(n) + "/home/file"));
  auto names = layout.list();
  REQUIRE(names);
  CHECK(names->empty());
  CHECK(eventually([this] { return is_empty(); }));
}

TEST_CASE_FIXTURE(layout_bench,
                  "what is laid out counts for the boot and the user it was made for") {
  auto uid = static_cast<std::int64_t>(geteuid());
  put(where.home("a") + "/program");
  CHECK(layout.owner("a") == uid);
  CHECK(layout.owner("b") == -1);
  CHECK_FALSE(layout.is_laid_out("a", uid, "program"));
  write(where.instance("a") + "/unpacked", "an earlier boot");
  CHECK_FALSE(layout.is_laid_out("a", uid, "program"));
  write(where.instance("a") + "/unpacked", *read_file("/proc/sys/kernel/random/boot_id"));
  CHECK(layout.is_laid_out("a", uid, "program"));
  CHECK_FALSE(layout.is_laid_out("a", uid + 1, "program"));
  CHECK_FALSE(layout.is_laid_out("a", uid, "another"));
}

TEST_CASE_FIXTURE(layout_bench, "what is half laid out is thrown away, and nothing else") {
  put(where.home("a") + ".tmp/program");
  put(where.home("a") + "/program");
  layout.discard_half("a");
  CHECK_FALSE(std::filesystem::exists(where.home("a") + ".tmp"));
  CHECK(std::filesystem::exists(where.home("a") + "/program"));
}

TEST_CASE_FIXTURE(layout_bench, "an instance is removed, and its log is not") {
  put(where.home("a") + "/program");
  put(where.log_of("a"));
  put(where.home("b") + "/program");
  arrivals<done> removed;
  SUBCASE("that is there") {
    layout.remove("a", [&](done outcome) { removed.put(std::move(outcome)); });
    CHECK(removed.next());
    CHECK_FALSE(std::filesystem::exists(where.instance("a")));
    CHECK(std::filesystem::exists(where.log_of("a")));
  }
  SUBCASE("or that never was") {
    layout.remove("c", [&](done outcome) { removed.put(std::move(outcome)); });
    CHECK(removed.next());
  }
  CHECK(std::filesystem::exists(where.home("b") + "/program"));
}
