#include "cli/table.hpp"

#include <doctest/doctest.h>

using namespace deployminator::cli;

TEST_CASE("columns are aligned by characters and lines do not end with blanks") {
  CHECK(
    table_text({"NAME", "STATE"}, {{{"größe"}, {"ready"}}, {{"b"}, {"lost"}}, {{"c"}, {""}}}, false)
    == "NAME   STATE\n"
       "größe  ready\n"
       "b      lost\n"
       "c\n");
}

TEST_CASE("a column that is empty everywhere is left out") {
  CHECK(table_text({"NAME", "REASON", "UP"}, {{{"a"}, {""}, {"4s"}}}, false)
        == "NAME  UP\n"
           "a     4s\n");
}

TEST_CASE("colours do not shift the columns") {
  CHECK(table_text({"A", "B"}, {{{"x", tone::good}, {"y"}}}, true)
        == "\x1b[2mA\x1b[0m  \x1b[2mB\x1b[0m\n"
           "\x1b[32mx\x1b[0m  y\n");
}
