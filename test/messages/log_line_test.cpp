#include "messages/log_line.hpp"

#include <doctest/doctest.h>

#include <rapidcheck.h>
#include <string>
#include <vector>

using namespace deployminator::messages;

namespace {

const std::string at = "2026-11-27T05:40:10.123456Z";

} // namespace

TEST_CASE("a line of a log has a time, a source and a text") {
  auto text = at + " err cannot bind: \xff";
  auto line = log_line_from(text);
  CHECK(to_text(line.time) == at);
  CHECK(line.source == log_source::err);
  CHECK_FALSE(line.goes_on);
  CHECK(line.text == "cannot bind: \xff");
  text = at + " out+ begun";
  line = log_line_from(text);
  CHECK(line.goes_on);
  CHECK(line.text == "begun");
  text = at + " sys ";
  CHECK(log_line_from(text).source == log_source::sys);
  CHECK(log_line_from(text).text.empty());
}

TEST_CASE("what is no such line is a text without time") {
  for (const auto& text : std::vector<std::string>{{},
                                                   std::string{"plain"},
                                                   at,
                                                   at + " out",
                                                   at + " log x",
                                                   at + "xout x",
                                                   "2026-13-27T05:40:10.123456Z out x",
                                                   at + " out+x"}) {
    auto line = log_line_from(text);
    CHECK_FALSE(line.time);
    CHECK(line.text == text);
  }
}

TEST_CASE("lines are taken off one by one, the last one without its break too") {
  std::string_view data = "one\n\nthree";
  CHECK(take_line(data) == "one");
  CHECK(take_line(data).empty());
  CHECK(take_line(data) == "three");
  CHECK(data.empty());
}

TEST_CASE("the text of a log is what was printed, each line as a whole") {
  auto log = at + " out+ a\n" + at + " err x\n" + at + " out+ b\n" + at + " out c\n" + "plain\n";
  CHECK(log_text(log) == "x\nabc\nplain\n");
  CHECK(log_text(at + " out+ cut\n" + at + " sys dropped\n" + at + " out next\n")
        == "cut\ndropped\nnext\n");
  CHECK(log_text(at + " out+ never ended\n") == "never ended\n");
}

TEST_CASE("any bytes are lines") {
  CHECK(rc::check([](const std::string& bytes) {
    std::string_view left = bytes;
    std::size_t size = 0;
    while (!left.empty())
      size += log_line_from(take_line(left)).text.size() + 1;
    RC_ASSERT(size <= bytes.size() + 1);
    (void)log_text(bytes);
  }));
}
