#include "cli/text.hpp"

#include <doctest/doctest.h>

#include <rapidcheck.h>
#include <string>

using namespace deployminator;
using namespace deployminator::cli;

TEST_CASE("a line is cut to the width in columns, not in bytes, and shows that it is") {
  line l{{"größe ", tone::plain}, {"ready", tone::good}};
  CHECK(rendered(l, {.width = 1}) == "…");
  CHECK(rendered(l, {.width = 3}) == "gr…");
  CHECK(rendered(l, {.width = 6}) == "größe…");
  CHECK(rendered(l, {.width = 8}) == "größe r…");
  CHECK(rendered(l, {.width = 11}) == "größe ready");
  CHECK(rendered(l, {.width = 0}) == "größe ready");
}

TEST_CASE("where only ASCII can be shown a line is made of it") {
  line l{{"größe…", tone::plain}, {" 文字", tone::good}};
  CHECK(rendered(l, {.width = 0, .unicode = false}) == "gr??e... ????");
  CHECK(rendered(l, {.width = 7, .unicode = false}) == "gr??e.~");
}

TEST_CASE("whatever stands in a line, it fits and nothing of it moves the cursor") {
  CHECK(rc::check([](const std::string& a, const std::string& b) {
    auto width = *rc::gen::inRange<std::size_t>(1, 30);
    for (bool unicode : {true, false}) {
      auto shown = rendered({{a, tone::plain}, {b, tone::good}}, {width, 24, false, unicode});
      RC_ASSERT(columns(shown) <= width);
      RC_ASSERT(printable(shown) == shown);
      RC_ASSERT(unicode || in_ascii(shown) == shown);
    }
  }));
}

TEST_CASE("colours stand around their text and nothing else") {
  line l{{"a ", tone::plain}, {"ready", tone::good}};
  CHECK(rendered(l, {.width = 4, .rich = true}) == "a \x1b[32mr…\x1b[0m");
}

TEST_CASE("sizes are written in the unit that fits") {
  CHECK(bytes_text(0) == "0 B");
  CHECK(bytes_text(512) == "512 B");
  CHECK(bytes_text(1536) == "1.5 KiB");
  CHECK(bytes_text(12'897'485) == "12.3 MiB");
  CHECK(progress_text(12'897'485, 20'971'520) == "12.3/20.0 MiB");
  CHECK(progress_text(0, 20'971'520) == "0.0/20.0 MiB");
  CHECK(progress_text(2048, std::nullopt) == "2.0 KiB");
}

TEST_CASE("a bar fills with the bytes") {
  CHECK(bar_text(0, 100, 4, true) == "░░░░");
  CHECK(bar_text(50, 100, 4, true) == "██░░");
  CHECK(bar_text(100, 100, 4, false) == "####");
  CHECK(bar_text(200, 100, 4, false) == "####");
  CHECK(bar_text(0, 0, 4, false) == "####");
}

TEST_CASE("a sentence is broken between words where the terminal is narrow") {
  CHECK(broken_to_fit("one two three four", {.width = 0}) == "one two three four");
  CHECK(broken_to_fit("one two three four", {.width = 11}) == "one two\n    three\n    four");
  CHECK(broken_to_fit("one two three four", {.width = 14}) == "one two three\n    four");
  CHECK(broken_to_fit("", {.width = 10}).empty());
}
