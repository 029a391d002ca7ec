#include "actors/common/repeated_lines.hpp"

#include <doctest/doctest.h>

using namespace deployminator::common::log;
using namespace std::chrono_literals;

namespace {

using time_point = repeated_lines::time_point;

constexpr time_point start{1h};

} // namespace

TEST_CASE("a line is told once and then counted until a minute is over") {
  repeated_lines lines;
  CHECK(lines.is_empty());
  CHECK(lines.is_told("disk is full", start));
  CHECK_FALSE(lines.is_told("disk is full", start + 1s));
  CHECK_FALSE(lines.is_told("disk is full", start + 59s));
  CHECK(lines.due(start + 59s).empty());
  auto due = lines.due(start + 60s);
  REQUIRE(due.size() == 1);
  CHECK(due[0].text == "disk is full");
  CHECK(due[0].count == 2);
}

TEST_CASE("a cause that goes on is counted again, one that has ended is forgotten") {
  repeated_lines lines;
  lines.is_told("disk is full", start);
  lines.is_told("disk is full", start + 1s);
  lines.due(start + 60s);
  CHECK_FALSE(lines.is_told("disk is full", start + 90s));
  CHECK(lines.due(start + 120s).size() == 1);
  CHECK(lines.due(start + 180s).empty());
  CHECK(lines.is_empty());
  CHECK(lines.is_told("disk is full", start + 181s));
}

TEST_CASE("causes that take turns are each told once") {
  repeated_lines lines;
  CHECK(lines.is_told("a", start));
  CHECK(lines.is_told("b", start));
  CHECK_FALSE(lines.is_told("a", start));
  CHECK_FALSE(lines.is_told("b", start));
  CHECK(lines.all().size() == 2);
  CHECK(lines.is_empty());
}

TEST_CASE("beyond a thousand different lines the others are only counted") {
  repeated_lines lines;
  for (std::size_t n = 0; n < repeated_lines::most_lines; ++n)
    CHECK(lines.is_told(std::to_string(n), start));
  CHECK_FALSE(lines.is_told("one more", start));
  CHECK_FALSE(lines.is_told("and another", start));
  CHECK(lines.due(start + 1s).empty());
  auto due = lines.due(start + 60s);
  REQUIRE(due.size() == 1);
  CHECK(due[0].text.empty());
  CHECK(due[0].count == 2);
  CHECK(lines.is_told("one more", start + 61s));
}
