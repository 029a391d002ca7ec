#include "cli/table.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <rapidcheck.h>
#include <sstream>

using namespace deployminator::cli;

namespace {

const canvas any_width{.width = 0};

const std::vector<column> listed_columns{
  {.heading = "ID", .shortens = 2, .least = 6},
  {.heading = "PID", .drops = 1},
  {.heading = "MACHINE", .drops = 2},
  {.heading = "REASON", .shortens = 1, .least = 8, .loses = text_end::end}};

const std::vector<std::vector<span>> listed_rows{
  {{"web-8x1k2f3a"}, {"4711"}, {"m1"}, {"the machine is out of reach"}},
  {{"web-b"}, {"12"}, {"machine-2"}, {""}}};

std::string listed(std::size_t width, bool unicode = true) {
  return table_text(listed_columns, listed_rows, {.width = width, .unicode = unicode});
}

} // namespace

TEST_CASE("columns are aligned by characters and lines do not end with blanks") {
  CHECK(table_text({{.heading = "NAME"}, {.heading = "STATE"}},
                   {{{"größe"}, {"ready"}}, {{"文字"}, {"lost"}}, {{"c"}, {""}}}, any_width)
        == "NAME   STATE\n"
           "größe  ready\n"
           "文字   lost\n"
           "c\n");
}

TEST_CASE("a column that is empty everywhere is left out") {
  CHECK(table_text({{.heading = "NAME"}, {.heading = "REASON"}, {.heading = "UP"}},
                   {{{"a"}, {""}, {"4s"}}}, any_width)
        == "NAME  UP\n"
           "a     4s\n");
}

TEST_CASE("colours do not shift the columns") {
  CHECK(table_text({{.heading = "A"}, {.heading = "B"}}, {{{"x", tone::good}, {"y"}}},
                   {.width = 0, .rich = true})
        == "\x1b[2mA\x1b[0m  \x1b[2mB\x1b[0m\n"
           "\x1b[32mx\x1b[0m  y\n");
}

TEST_CASE("what a program reads is never shortened") {
  CHECK(listed(0)
        == "ID            PID   MACHINE    REASON\n"
           "web-8x1k2f3a  4711  m1         the machine is out of reach\n"
           "web-b         12    machine-2\n");
}

TEST_CASE("on a narrower terminal columns are shortened in their order") {
  CHECK(listed(50)
        == "ID            PID   MACHINE    REASON\n"
           "web-8x1k2f3a  4711  m1         the machine is out…\n"
           "web-b         12    machine-2\n");
  CHECK(listed(35)
        == "ID        PID   MACHINE    REASON\n"
           "…x1k2f3a  4711  m1         the mac…\n"
           "web-b     12    machine-2\n");
  CHECK(listed(35, false).find("~x1k2f3a") != std::string::npos);
}

TEST_CASE("where that is not enough columns are left out in their order") {
  CHECK(listed(32)
        == "ID           MACHINE    REASON\n"
           "…b-8x1k2f3a  m1         the mac…\n"
           "web-b        machine-2\n");
  CHECK(listed(20)
        == "ID          REASON\n"
           "…-8x1k2f3a  the mac…\n"
           "web-b\n");
}

TEST_CASE("what is still too wide is cut at the edge") {
  CHECK(listed(10) == "ID      R…\n…k2f3a  t…\nweb-b\n");
}

TEST_CASE("whatever stands in a table, it fits and nothing of it moves the cursor") {
  CHECK(rc::check([](const std::string& a, const std::string& b, const std::string& c) {
    auto width = *rc::gen::inRange<std::size_t>(1, 60);
    auto unicode = *rc::gen::arbitrary<bool>();
    std::istringstream text{table_text(listed_columns,
                                       {{{a}, {b}, {c}, {a}}, {{c}, {a}, {b}, {"文字"}}},
                                       {width, 24, false, unicode})};
    std::size_t line_count = 0;
    for (std::string each; std::getline(text, each); ++line_count) {
      RC_ASSERT(columns(each) <= width);
      RC_ASSERT(printable(each) == each);
    }
    RC_ASSERT(line_count == 3U);
  }));
}
