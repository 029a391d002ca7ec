#include "agent/linux/files.hpp"
#include "agent/linux/log_files.hpp"
#include "test/agent/linux/machine.hpp"

#include <doctest/doctest.h>

#include <fcntl.h>

#include <sys/stat.h>

using namespace deployminator::agent;
using namespace deployminator::agent::testing;

TEST_CASE("output is read in pieces, from any place") {
  scratch root;
  log_files logs{root.path};
  write(root / "a.log", "one\ntwo\nthree\n");
  auto piece = logs.read("a", 4, 5);
  REQUIRE(piece);
  CHECK(piece->offset == 4);
  CHECK(piece->data == "two\nt");
  CHECK(piece->more);
  piece = logs.read("a", 9, 100);
  CHECK(piece->data == "hree\n");
  CHECK_FALSE(piece->more);
  CHECK(logs.read("a", 1000, 100)->offset == 14);
  CHECK(logs.read("a", 1000, 100)->data.empty());
  CHECK(logs.read("silent", 0, 100)->data.empty());
}

TEST_CASE("the last lines are found") {
  scratch root;
  log_files logs{root.path};
  write(root / "a.log", "one\ntwo\nthree\n");
  CHECK(*logs.offset_of_last_lines("a", 0) == 14);
  CHECK(*logs.offset_of_last_lines("a", 1) == 8);
  CHECK(*logs.offset_of_last_lines("a", 2) == 4);
  CHECK(*logs.offset_of_last_lines("a", 3) == 0);
  CHECK(*logs.offset_of_last_lines("a", 9) == 0);
  CHECK(*logs.offset_of_last_lines("silent", 9) == 0);
  write(root / "b.log", "one\nunfinished");
  CHECK(*logs.offset_of_last_lines("b", 1) == 4);
  write(root / "c.log", "\n\n\n");
  CHECK(*logs.offset_of_last_lines("c", 2) == 1);
  std::string many;
  for (int n = 0; n < 50'000; ++n)
    many += "line " + std::to_string(n) + "\n";
  write(root / "d.log", many);
  auto offset = *logs.offset_of_last_lines("d", 30'000);
  CHECK(many.substr(offset, 11) == "line 20000\n");
}

TEST_CASE("too much output is taken out of its beginning, while offsets stay") {
  scratch root;
  log_files logs{root.path};
  std::string text;
  for (int n = 0; text.size() < 400'000; ++n)
    text += "line " + std::to_string(n) + "\n";
  write(root / "a.log", text);
  bound_log(root / "a.log", 1'000'000);
  CHECK(logs.read("a", 0, 10)->offset == 0);
  bound_log(root / "a.log", 100'000);
  struct stat info {};
  REQUIRE(stat((root / "a.log").c_str(), &info) == 0);
  CHECK(info.st_blocks * 512 <= 100'000);
  CHECK(static_cast<std::size_t>(info.st_size) == text.size());
  auto piece = logs.read("a", 0, 1'000'000);
  REQUIRE(piece);
  CHECK(piece->offset > 300'000);
  CHECK(piece->data == text.substr(piece->offset));
  CHECK(logs.read("a", text.size() - 10, 100)->data == text.substr(text.size() - 10));
  CHECK(*logs.offset_of_last_lines("a", 1'000'000) == piece->offset);
}

TEST_CASE("a tree of any depth and with closed directories is removed, but nothing behind links") {
  scratch root;
  mkdir((root / "kept").c_str(), 0755);
  write(root / "kept/file", "x");
  std::filesystem::create_directories(root / "tree/a/b/.removed.0");
  std::filesystem::create_symlink(root / "kept", root / "tree/a/link");
  write(root / "tree/a/b/file", "x");
  {
    owned_fd at{open((root / "tree").c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC)};
    for (int n = 0; n < 3000; ++n) {
      REQUIRE(mkdirat(at.get(), "d", 0700) == 0);
      at = owned_fd{openat(at.get(), "d", O_RDONLY | O_DIRECTORY | O_CLOEXEC)};
    }
  }
  mkdir((root / "tree/closed").c_str(), 0700);
  mkdir((root / "tree/closed/inner").c_str(), 0700);
  write(root / "tree/closed/inner/file", "x");
  chmod((root / "tree/closed/inner").c_str(), 0);
  chmod((root / "tree/closed").c_str(), 0);
  auto done = remove_tree(root / "tree");
  CHECK_MESSAGE(done, (done ? "" : done.error().message));
  CHECK_FALSE(std::filesystem::exists(root / "tree"));
  CHECK(content(root / "kept/file") == "x");
  CHECK(remove_tree(root / "tree"));
  CHECK(remove_tree(root / "kept/file"));
}
