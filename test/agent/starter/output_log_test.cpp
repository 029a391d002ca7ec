#include "agent/starter/output_log.hpp"
#include "messages/log_line.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <csignal>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <map>
#include <memory>
#include <string>
#include <unistd.h>

#include <sys/resource.h>
#include <sys/stat.h>

using namespace deployminator;
using namespace deployminator::agent::starter;
namespace fs = std::filesystem;

namespace {

constexpr std::uint64_t megabyte = 1 << 20;

/// A log in a directory of its own.
struct bench {
  fs::path root;
  std::string path;
  std::unique_ptr<output_log> log;

  bench() {
    std::string pattern = "/tmp/deployminator-test-XXXXXX";
    root = mkdtemp(pattern.data());
    path = root / "a.log";
  }
  ~bench() {
    std::error_code ignored;
    fs::remove_all(root, ignored);
  }
  bench(const bench&) = delete;
  bench& operator=(const bench&) = delete;

  void open(std::uint64_t limit = megabyte) {
    log = std::make_unique<output_log>();
    REQUIRE(log->open(path.c_str(), limit) == 0);
  }

  void print(std::string_view text, source from = source::out,
             output_log::rest unended = output_log::rest::ends) {
    line_buffer lines;
    while (!text.empty()) {
      auto* space = lines.space();
      auto size = std::min(text.size(), lines.room());
      memcpy(space, text.data(), size);
      lines.add(size);
      text.remove_prefix(size);
      log->put(from, lines);
    }
    log->put(from, lines, unended);
  }

  std::map<std::string, std::string> files() const {
    std::map<std::string, std::string> out;
    for (const auto& each : fs::directory_iterator{path}) {
      std::ifstream in{each.path(), std::ios::binary};
      out[each.path().filename()] = {std::istreambuf_iterator<char>{in}, {}};
    }
    return out;
  }

  std::string content() const {
    std::string out;
    for (const auto& [name, text] : files())
      out += text;
    return out;
  }

  std::string text() const {
    return messages::log_text(content());
  }
};

/// Files may not grow beyond that, as on a disk that is full.
struct small_disk {
  rlimit before{};
  explicit small_disk(rlim_t size) {
    std::signal(SIGXFSZ, SIG_IGN);
    getrlimit(RLIMIT_FSIZE, &before);
    rlimit now{size, before.rlim_max};
    setrlimit(RLIMIT_FSIZE, &now);
  }
  ~small_disk() {
    setrlimit(RLIMIT_FSIZE, &before);
  }
  small_disk(const small_disk&) = delete;
  small_disk& operator=(const small_disk&) = delete;
};

} // namespace

TEST_CASE("each line has its time and its source") {
  bench b;
  b.open();
  auto before = messages::system_utc_now();
  b.print("one\n");
  b.print("two\n", source::err);
  auto content = b.content();
  std::string_view all = content;
  auto first = messages::log_line_from(messages::take_line(all));
  CHECK(first.source == messages::log_source::out);
  CHECK(first.text == "one");
  CHECK(first.time >= before);
  CHECK(first.time <= messages::system_utc_now());
  CHECK(messages::log_line_from(messages::take_line(all)).source == messages::log_source::err);
  struct stat info {};
  REQUIRE(stat(b.path.c_str(), &info) == 0);
  CHECK((info.st_mode & 0777) == 0700);
}

TEST_CASE("times are written as everything else reads them") {
  for (std::int64_t micros :
       {std::int64_t{0}, std::int64_t{951'782'400'000'001}, std::int64_t{1'709'251'199'999'999},
        std::int64_t{4'107'542'400'123'456}}) {
    log_header header{micros, source::sys, true};
    CHECK(std::string(header.text, header.size)
          == messages::to_text(messages::timestamp{micros}) + " sys+ ");
  }
}

TEST_CASE("bytes stay as they are, and a long line comes together again") {
  bench b;
  b.open();
  std::string hostile{"\0\x1b[2J\xff\r", 7};
  b.print(hostile + "\n" + std::string(30'000, 'x') + "\nend\n");
  CHECK(b.text() == hostile + "\n" + std::string(30'000, 'x') + "\nend\n");
}

TEST_CASE("a line that goes on after a while is one line") {
  bench b;
  b.open();
  b.print("working", source::out, output_log::rest::goes_on);
  b.print("an error\n", source::err);
  b.print(" done\n");
  CHECK(b.content().find(" out+ working\n") != std::string::npos);
  CHECK(b.text() == "an error\nworking done\n");
}

TEST_CASE("a log that is opened again goes on, behind a line that was torn") {
  bench b;
  b.open();
  b.print("one\n");
  b.open();
  b.print("two\n");
  std::ofstream{b.path + "/0000000000000000", std::ios::app}
    << "2026-01-01T00:00:00.000000Z out th";
  b.open();
  b.print("four\n");
  CHECK(b.files().size() == 1);
  CHECK(b.text() == "one\ntwo\nth\nfour\n");
}

TEST_CASE("files are named by what came before them, and the oldest go at once") {
  bench b;
  b.open();
  std::string line(99, 'x');
  std::uint64_t written = 0;
  for (int n = 0; n < 300; ++n) {
    std::string some;
    for (int each = 0; each < 70; ++each)
      some += line + "\n";
    b.print(some);
    written += 70 * (32 + 100);
    std::uint64_t all = 0;
    for (const auto& each : fs::directory_iterator{b.path})
      all += fs::file_size(each.path());
    REQUIRE(all <= megabyte);
  }
  auto files = b.files();
  CHECK(files.size() >= 7);
  CHECK(files.size() <= 9);
  auto expected = start_in(files.begin()->first.c_str());
  CHECK(expected > 0);
  for (const auto& [name, text] : files) {
    CHECK(start_in(name.c_str()) == expected);
    CHECK(text.back() == '\n');
    expected += text.size();
  }
  CHECK(expected == written);
}

TEST_CASE("what the disk does not take is counted and told in its place") {
  bench b;
  b.open();
  b.print("before\n");
  {
    small_disk full{50};
    b.print("lost\nlost too\n");
    b.print("and lost\n");
  }
  b.log->settle();
  b.print("after\n");
  auto text = b.text();
  // The first of them was cut where the disk was full.
  CHECK(text.find("before\n") == 0);
  CHECK(text.find("dropped 3 lines, 20 bytes: ") != std::string::npos);
  CHECK(text.find("\nafter\n") != std::string::npos);
}

TEST_CASE("the output of an earlier release, a plain file, becomes the beginning") {
  bench b;
  std::ofstream{b.path} << "as it was printed\n";
  b.open();
  b.print("new\n");
  CHECK(b.text() == "as it was printed\nnew\n");
  CHECK(b.files().begin()->first == "0000000000000000");
  CHECK(std::distance(fs::directory_iterator{b.root}, {}) == 1);
}
