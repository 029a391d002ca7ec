#include "cli/clock.hpp"

#include <doctest/doctest.h>

#include <cstdlib>
#include <ctime>
#include <string>

using namespace deployminator::cli;
using namespace std::chrono_literals;
using deployminator::messages::timestamp;

namespace {

/// The computer's time zone, while this lives.
class zone_of_computer {
public:
  explicit zone_of_computer(const char* name) {
    if (const char* before = std::getenv("TZ"))
      before_ = before;
    set(name);
  }
  ~zone_of_computer() {
    set(before_.empty() ? nullptr : before_.c_str());
  }
  zone_of_computer(const zone_of_computer&) = delete;
  zone_of_computer& operator=(const zone_of_computer&) = delete;

private:
  static void set(const char* name) {
    if (name != nullptr)
      setenv("TZ", name, 1);
    else
      unsetenv("TZ");
    tzset();
  }
  std::string before_;
};

/// Central Europe's, without the system's list of zones.
constexpr const char* berlin = "CET-1CEST,M3.5.0,M10.5.0/3";

timestamp moment(const char* text) {
  return time_from_text(text, {}).value();
}

} // namespace

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

TEST_CASE("times are told in the local zone with its name, or in UTC") {
  zone_of_computer here{berlin};
  CHECK(clock_text(moment("2026-11-27T20:04:05Z"), time_zone::local) == "2026-11-27 21:04:05 CET");
  CHECK(clock_text(moment("2026-07-01T23:30:00Z"), time_zone::local) == "2026-07-02 01:30:00 CEST");
  CHECK(clock_text(moment("2026-11-27T20:04:05Z"), time_zone::utc) == "2026-11-27 20:04:05 UTC");
  CHECK(exact_clock_text(moment("2026-11-27T20:04:05.000007Z"), time_zone::local)
        == "2026-11-27 21:04:05.000007 CET");
  CHECK(clock_text({}, time_zone::local) == "-");
  CHECK(clock_text({-1}, time_zone::utc) == "1969-12-31 23:59:59 UTC");
}

TEST_CASE("what is shown here can be given back, also in the hour that there is twice") {
  zone_of_computer here{berlin};
  for (const auto* each : {"2026-11-27T20:04:05Z", "2026-07-01T23:30:00Z", "2026-10-25T00:30:00Z",
                           "2026-10-25T01:30:00Z", "2026-03-29T00:59:59Z", "2026-03-29T01:00:00Z"})
    for (auto zone : {time_zone::local, time_zone::utc})
      CHECK(time_from_text(clock_text(moment(each), zone), {}) == moment(each));
  CHECK(time_from_text("2026-11-27 21:04:05.25 CET", {}) == moment("2026-11-27T20:04:05.25Z"));
  // Not the zone of that day, an hour that is skipped, and a zone that nobody knows here.
  for (const auto* wrong :
       {"2026-11-27 21:04:05 CEST", "2026-03-29 02:30:00 CET", "2026-11-27 21:04:05 EST"})
    CHECK_FALSE(time_from_text(wrong, {}));
}
