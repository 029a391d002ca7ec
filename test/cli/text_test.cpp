#include "cli/text.hpp"

#include <doctest/doctest.h>

#include <rapidcheck.h>
#include <string>

using namespace deployminator;
using namespace deployminator::cli;
using namespace std::chrono_literals;

TEST_CASE("control characters from outside are made visible") {
  CHECK(printable("a\x1b[2Jb") == "a\\x1b[2Jb");
  CHECK(printable("tab\tline\n") == "tab\\x09line\\x0a");
  CHECK(printable("tab\tline\n", true) == "tab\tline\n");
  CHECK(printable("\x7f") == "\\x7f");
  // The same escape as one character, CSI.
  CHECK(printable("\xc2\x9b") == "\\xc2\\x9b");
  // What turns the direction of writing.
  CHECK(printable("\xe2\x80\xae") == "\\xe2\\x80\\xae");
}

TEST_CASE("text in other scripts stays as it is") {
  CHECK(printable("größe 文字 😀") == "größe 文字 😀");
}

TEST_CASE("bytes that are no UTF-8 are made visible") {
  CHECK(printable("a\xff") == "a\\xff");
  CHECK(printable("\xc3") == "\\xc3");
  // Overlong, and half of a surrogate pair.
  CHECK(printable("\xc0\x9b") == "\\xc0\\x9b");
  CHECK(printable("\xed\xa0\x80") == "\\xed\\xa0\\x80");
}

TEST_CASE("whatever comes in, nothing that a terminal obeys goes out") {
  rc::check([](const std::string& anything) {
    for (char each : printable(anything)) {
      auto c = static_cast<unsigned char>(each);
      RC_ASSERT(c >= 0x20 && c != 0x7f);
    }
    RC_ASSERT(printable(printable(anything)) == printable(anything));
  });
}

TEST_CASE("a line is cut to the width in columns, not in bytes") {
  line l{{"größe ", tone::plain}, {"ready", tone::good}};
  CHECK(rendered(l, {.width = 3}) == "grö");
  CHECK(rendered(l, {.width = 8}) == "größe re");
  CHECK(rendered(l, {.width = 0}) == "größe ready");
}

TEST_CASE("colours stand around their text and nothing else") {
  line l{{"a ", tone::plain}, {"ready", tone::good}};
  CHECK(rendered(l, {.width = 4, .rich = true}) == "a \x1b[32mre\x1b[0m");
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

TEST_CASE("spans of time are short") {
  CHECK(seconds_text(0.42) == "0.4s");
  CHECK(seconds_text(42.4) == "42s");
  CHECK(seconds_text(125) == "2m05s");
  CHECK(seconds_text(3 * 3600 + 7 * 60) == "3h07m");
  CHECK(seconds_text(4 * 86400 + 2 * 3600) == "4d02h");
  CHECK(seconds_text(-3) == "0.0s");
}

TEST_CASE("an age is told from now, and never is negative") {
  CHECK(age_text({}, {5'000'000}) == "-");
  CHECK(age_text({1'000'000}, {5'000'000}) == "4s");
  CHECK(age_text({9'000'000}, {5'000'000}) == "0s");
}

TEST_CASE("durations are read as deploy.yaml writes them") {
  CHECK(duration_from_text("500ms") == 500ms);
  CHECK(duration_from_text("5s") == 5s);
  CHECK(duration_from_text("2m") == 2min);
  CHECK(duration_from_text("1h30m") == 90min);
  for (const char* wrong :
       {"", "5", "s", "5x", "-5s", "5 s", "1.5s", "99999999999999999999s", "9999999999h"})
    CHECK_FALSE(duration_from_text(wrong));
}

TEST_CASE("a time is given in UTC, or as how long ago") {
  using deployminator::messages::timestamp;
  constexpr timestamp present{1'764'222'010'000'000};
  auto exact = time_from_text("2025-11-27T05:40:10.5Z", present);
  REQUIRE(exact);
  CHECK(exact->microseconds == 1'764'222'010'500'000);
  for (const auto* same : {"2025-11-27T05:40:10Z", "2025-11-27T05:40:10", "2025-11-27 05:40:10",
                           "2025-11-27T05:40:10.000000Z", "0s"})
    CHECK(time_from_text(same, present) == present);
  CHECK(time_from_text("10m", present) == timestamp{present.microseconds - 600'000'000});
  for (const auto* wrong :
       {"", "noon", "2025-11-27", "2025-13-27T05:40:10Z", "2025-11-27T05:40:10x",
        "2025-11-27T05:40:10.1234567Z", "2025-11-27T05:40:10+01:00", "-5m"})
    CHECK_FALSE(time_from_text(wrong, present));
}
