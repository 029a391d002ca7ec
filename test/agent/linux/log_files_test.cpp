#include "agent/linux/files.hpp"
#include "agent/linux/log_files.hpp"
#include "agent/linux/log_keeper.hpp"
#include "agent/starter/segment_name.hpp"
#include "messages/log_line.hpp"
#include "test/agent/linux/machine.hpp"

#include <doctest/doctest.h>

#include <fcntl.h>

#include <sys/stat.h>

using namespace deployminator::agent;
using namespace deployminator::agent::testing;

namespace {

namespace messages = deployminator::messages;

/// A line that was printed in this second.
std::string line(int second, const std::string& text) {
  return messages::to_text({std::int64_t{1'000'000} * (1'700'000'000 + second)}) + " out " + text
         + "\n";
}

messages::timestamp second(int n) {
  return {std::int64_t{1'000'000} * (1'700'000'000 + n)};
}

/// Writes a log as a starter does, in files of so many lines of so many seconds each.
std::vector<std::string> write_log(const std::string& path, int count, int lines_in_file) {
  std::vector<std::string> lines;
  std::filesystem::create_directory(path);
  std::string file;
  std::uint64_t start = 0;
  auto put = [&] {
    char name[starter::name_digits + 1];
    starter::put_name(start, name);
    write(path + "/" + name, file);
    start += file.size();
    file.clear();
  };
  for (int n = 0; n < count; ++n) {
    lines.push_back(line(n, "line " + std::to_string(n)));
    file += lines.back();
    if ((n + 1) % lines_in_file == 0)
      put();
  }
  put();
  return lines;
}

std::string all_from(log_files& logs, const std::string& id, std::uint64_t offset) {
  std::string out;
  for (bool more = true; more;) {
    auto piece = logs.read(id, offset, 1'000);
    REQUIRE(piece);
    out += piece->data;
    offset = piece->offset + piece->data.size();
    more = piece->more && !piece->data.empty();
  }
  return out;
}

std::string joined(const std::vector<std::string>& lines, std::size_t from) {
  std::string out;
  for (; from < lines.size(); ++from)
    out += lines[from];
  return out;
}

} // namespace

TEST_CASE("output is read in whole lines, from any place") {
  scratch root;
  log_files logs{root.path};
  write(root / "a.log", "one\ntwo\nthree\n");
  auto piece = logs.read("a", 4, 5);
  REQUIRE(piece);
  CHECK(piece->offset == 4);
  CHECK(piece->data == "two\n");
  CHECK(piece->more);
  piece = logs.read("a", 9, 100);
  CHECK(piece->data == "hree\n");
  CHECK_FALSE(piece->more);
  CHECK(logs.read("a", 1000, 100)->offset == 14);
  CHECK(logs.read("a", 1000, 100)->data.empty());
  CHECK(logs.read("silent", 0, 100)->data.empty());
  CHECK_FALSE(logs.read("../etc", 0, 100));
}

TEST_CASE("a log of many files reads as one") {
  scratch root;
  log_files logs{root.path};
  auto lines = write_log(root / "a.log", 100, 30);
  CHECK(all_from(logs, "a", 0) == joined(lines, 0));
  auto middle = lines[0].size() * 10 + 90 * 0;
  CHECK(all_from(logs, "a", middle) == joined(lines, 10));
  std::filesystem::remove(root / "a.log/0000000000000000");
  CHECK(all_from(logs, "a", 0) == joined(lines, 30));
}

TEST_CASE("a line that is just being written is left for the next time, unless it is the last") {
  scratch root;
  log_files logs{root.path};
  std::filesystem::create_directory(root / "a.log");
  write(root / "a.log/0000000000000000", "whole\nhal");
  auto piece = logs.read("a", 0, 100);
  CHECK(piece->data == "whole\n");
  CHECK_FALSE(piece->more);
  CHECK(logs.read("a", 6, 100)->data.empty());
  messages::kept_log last;
  last.instance = "a";
  REQUIRE(note_end(root.path, last));
  CHECK(logs.read("a", 0, 100)->data == "whole\nhal");
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

TEST_CASE("the last lines are found across files") {
  scratch root;
  log_files logs{root.path};
  auto lines = write_log(root / "a.log", 100, 30);
  for (std::uint32_t n : {0U, 1U, 9U, 10U, 11U, 40U, 41U, 100U, 101U})
    CHECK(all_from(logs, "a", *logs.offset_of_last_lines("a", n))
          == joined(lines, n < 100 ? 100 - n : 0));
}

TEST_CASE("the first line since a time is found") {
  scratch root;
  log_files logs{root.path};
  auto lines = write_log(root / "a.log", 20'000, 6'000);
  CHECK(*logs.offset_since("a", second(-5)) == 0);
  CHECK(*logs.offset_since("none", second(0)) == 0);
  for (int n : {0, 1, 5'999, 6'000, 6'001, 7'777, 12'345, 19'999}) {
    auto offset = logs.offset_since("a", second(n));
    REQUIRE(offset);
    auto piece = logs.read("a", *offset, 1'000);
    CHECK(piece->data.starts_with(lines[static_cast<std::size_t>(n)]));
  }
  auto end = logs.offset_since("a", second(20'000));
  CHECK(logs.read("a", *end, 100)->data.empty());
}

TEST_CASE("what was noted of instances that are gone is found by id and by group") {
  scratch root;
  log_files logs{root.path};
  auto note = [&](const std::string& id, const std::string& group, int when) {
    messages::kept_log last;
    last.instance = id;
    last.namespace_ = "shop";
    last.group = group;
    last.reason = "exited with code 3";
    last.gone_at = second(when);
    REQUIRE(note_end(root.path, last));
  };
  note("web-1", "web", 1);
  note("web-2", "web", 2);
  note("api-1", "api", 3);
  write(root / "torn.end", "x");
  messages::find_logs of_group{{}, "shop", "web"};
  auto found = logs.find(of_group);
  REQUIRE(found);
  REQUIRE(found->list.size() == 2);
  CHECK(found->list[0].instance == "web-2");
  CHECK(found->list[0].reason == "exited with code 3");
  CHECK(logs.find({"api-1", {}, {}})->list.at(0).group == "api");
  CHECK(logs.find({"../web-1", {}, {}})->list.empty());
  CHECK(logs.read("web-1", 0, 10)->gone);
  forget_end(root.path, "web-1");
  CHECK_FALSE(logs.read("web-1", 0, 10)->gone);
  CHECK(logs.find(of_group)->list.size() == 1);
}

TEST_CASE("the agent's own words stand on lines of their own") {
  scratch root;
  add_to_log(root.path, "a", second(1), "nowhere to write");
  std::filesystem::create_directory(root / "a.log");
  write(root / "a.log/0000000000000000", line(0, "one") + "torn");
  add_to_log(root.path, "a", second(1), "it was killed");
  add_to_log(root.path, "a", second(2), "it was killed");
  CHECK(messages::log_text(content(root / "a.log/0000000000000000"))
        == "one\ntorn\nit was killed\n");
}

TEST_CASE("logs of what is gone are removed in time, and what runs keeps its own") {
  scratch root;
  auto where = directories_below(root.path);
  REQUIRE(take(where));
  for (const std::string id : {"gone", "runs"}) {
    std::filesystem::create_directory(where.log_of(id));
    write(where.log_of(id) + "/0000000000000000", std::string(900, 'x'));
    write(where.log_of(id) + "/0000000000000900", std::string(900, 'x'));
  }
  messages::kept_log last;
  last.instance = "gone";
  REQUIRE(note_end(where.log, last));
  std::filesystem::create_directory(where.instance("runs"));
  log_keeper{where, {}}.tidy();
  CHECK(std::filesystem::exists(where.log_of("gone")));
  log_keeper{where, {.of_all = 2'000}}.tidy();
  CHECK_FALSE(std::filesystem::exists(where.log_of("gone")));
  CHECK_FALSE(end_of(where.log, "gone"));
  CHECK(files_of_log(where.log, "runs")->size() == 2);
  log_keeper{where, {.of_all = 1'000}}.tidy();
  CHECK(files_of_log(where.log, "runs")->size() == 1);
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
  auto first = *logs.offset_of_last_lines("a", 1'000'000);
  CHECK(first >= piece->offset);
  CHECK(first < piece->offset + 20);
  CHECK(text[first - 1] == '\n');
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
