#include "agent/decisions/output.hpp"

#include <doctest/doctest.h>

#include <rapidcheck.h>

using namespace deployminator::agent;

TEST_CASE("output is cut where a line begins") {
  CHECK(last_lines("one\ntwo\nthree\n", 100) == "one\ntwo\nthree\n");
  CHECK(last_lines("one\ntwo\nthree\n", 12) == "two\nthree\n");
  CHECK(last_lines("one\ntwo\nthree\n", 10) == "two\nthree\n");
  CHECK(last_lines("one\ntwo\nthree\n", 9) == "three\n");
  CHECK(last_lines("a line that is far too long", 4) == "long");
  CHECK(last_lines("", 4).empty());
}

TEST_CASE("what is not text becomes a question mark") {
  CHECK(last_lines("gr\xc3\xbc\xc3\x9f \xe2\x82\xac \xf0\x9f\x98\x80", 100)
        == "gr\xc3\xbc\xc3\x9f \xe2\x82\xac \xf0\x9f\x98\x80");
  CHECK(last_lines("a\xff\xc3(\xed\xa0\x80\xc0\xaf", 100)
        == "a?"
           "?(?????");
  CHECK(last_lines(std::string_view{"a\0b", 3}, 100) == "a?b");
}

TEST_CASE("output never grows and never exceeds its limit") {
  CHECK(rc::check([](const std::string& printed) {
    auto limit = *rc::gen::inRange<std::size_t>(1, 64);
    RC_ASSERT(last_lines(printed, limit).size() <= std::min(limit, printed.size()));
  }));
}
