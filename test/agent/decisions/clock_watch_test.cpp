#include "agent/decisions/clock_watch.hpp"

#include <doctest/doctest.h>

using namespace deployminator::agent;
using namespace deployminator::messages;

namespace {

/// So many heartbeats, each coming when the machine's clock is so many seconds ahead of the time
/// that it tells; what is found wrong in the end.
troubles after(clock_watch& watch, int heartbeats, std::int64_t seconds) {
  troubles out;
  for (std::int64_t i = 1; i <= heartbeats; ++i)
    out = watch.see({i * 1'000'000}, {(i + seconds) * 1'000'000});
  return out;
}

} // namespace

TEST_CASE("a clock that is off is told once seven heartbeats in a row agree") {
  clock_watch watch;
  CHECK(after(watch, 6, 90).empty());
  REQUIRE(after(watch, 1, 90).size() == 1);
  CHECK(after(watch, 1, 91)[0].what == "the machine's clock is 90 s ahead of the server's");
  CHECK(after(watch, 1, 0).empty());
  CHECK(after(watch, 6, -90).empty());
  CHECK(after(watch, 1, -90)[0].what == "the machine's clock is 90 s behind the server's");
}

TEST_CASE("heartbeats that were under way for long, or a clock that is little off, tell nothing") {
  clock_watch watch;
  CHECK(after(watch, 6, 60).empty());
  CHECK(after(watch, 1, 0).empty());
  CHECK(after(watch, 6, 60).empty());
  clock_watch other;
  CHECK(after(other, 100, 5).empty());
  CHECK(after(other, 100, -5).empty());
}
