#include "actors/common/log_output.hpp"

#include <doctest/doctest.h>

#include <array>
#include <fcntl.h>
#include <string>
#include <unistd.h>

using namespace deployminator::common::log;
using namespace std::chrono_literals;

namespace {

/// A pipe and an output that writes to it.
struct piped_output {
  piped_output() {
    REQUIRE(pipe2(ends.data(), O_CLOEXEC) == 0);
    // Never destroyed, as the real one.
    lines = new log_output{ends[1], [](const std::string& text) { return "now " + text; }};
  }

  /// What was written, until `last` is in it.
  std::string read_until(const std::string& last) const {
    std::string out;
    std::array<char, 4096> some{};
    while (out.find(last) == out.npos) {
      auto n = read(ends[0], some.data(), some.size());
      if (n <= 0)
        break;
      out.append(some.data(), static_cast<std::size_t>(n));
    }
    return out;
  }

  std::array<int, 2> ends{};
  log_output* lines;
};

} // namespace

TEST_CASE("lines are written in order, each with its head") {
  piped_output out;
  out.lines->put("1 ", "first", false);
  out.lines->put("2 ", "second", false);
  CHECK(out.lines->flush(5s));
  CHECK(out.read_until("second\n") == "1 first\n2 second\n");
}

TEST_CASE("who logs does not wait for a pipe that nobody reads, and the loss is told") {
  piped_output out;
  const std::string line(1'000, 'x');
  // The pipe takes 64 KiB and the output 1 MiB.
  for (int n = 0; n < 2'000; ++n)
    out.lines->put("", line, false);
  CHECK_FALSE(out.lines->flush(1ms));
  auto written = out.read_until(" lines=");
  CHECK(written.find("now level=warning event=\"log lost lines\" lines=") != written.npos);
  CHECK(written.find(line + "\n") == 0);
}

TEST_CASE("a line that is said again is told with how often when the log ends") {
  piped_output out;
  for (int n = 0; n < 3; ++n)
    out.lines->put(std::to_string(n) + " ", "level=error event=\"disk is full\"", true);
  CHECK(out.lines->flush(5s));
  CHECK(
    out.read_until("repeated=2\n")
    == "0 level=error event=\"disk is full\"\nnow level=error event=\"disk is full\" repeated=2\n");
}

TEST_CASE("what a full disk swallows is counted and told once there is room") {
  int full = open("/dev/full", O_WRONLY | O_CLOEXEC);
  REQUIRE(full >= 0);
  auto* lines = new log_output{full, [](const std::string& text) { return text; }};
  // Each loss but the first is told together with a line, and lost with it.
  for (const auto* each : {"one", "two", "three", "four"}) {
    lines->put("", each, false);
    CHECK(lines->flush(5s));
  }
  std::array<int, 2> ends{};
  REQUIRE(pipe2(ends.data(), O_CLOEXEC) == 0);
  REQUIRE(dup2(ends[1], full) == full);
  lines->put("", "five", false);
  CHECK(lines->flush(5s));
  std::array<char, 256> some{};
  auto n = read(ends[0], some.data(), some.size());
  REQUIRE(n > 0);
  CHECK(std::string(some.data(), static_cast<std::size_t>(n))
        == "level=warning event=\"log lost lines\" lines=4\nfive\n");
}
