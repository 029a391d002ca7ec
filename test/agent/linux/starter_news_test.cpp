#include "agent/linux/starter_news.hpp"

#include <doctest/doctest.h>

using namespace deployminator::agent;
using starter::phase;
using kind = process_event::kind;

namespace {

starter::state state_of(std::uint32_t run, phase what, std::int64_t pid = 0, int exit = 0) {
  starter::state out;
  out.run = run;
  out.what = what;
  out.pid = pid;
  out.started_at = 7;
  out.exit = exit;
  return out;
}

std::vector<kind> kinds(const std::vector<process_event>& events) {
  std::vector<kind> out;
  for (const auto& each : events)
    out.push_back(each.what);
  return out;
}

} // namespace

TEST_CASE("start and end of a run are told once each") {
  told_runs told;
  CHECK(news_of("a", state_of(1, phase::starting), told).empty());
  auto started = news_of("a", state_of(1, phase::running, 42), told);
  REQUIRE(kinds(started) == std::vector{kind::started});
  CHECK(started[0].id == "a");
  CHECK(started[0].pid == 42);
  CHECK(started[0].started_at.microseconds == 7);
  CHECK(news_of("a", state_of(1, phase::running, 42), told).empty());
  auto ended = news_of("a", state_of(1, phase::exited, 42, 3), told);
  REQUIRE(kinds(ended) == std::vector{kind::exited});
  CHECK(ended[0].exit == 3);
  CHECK(ended[0].pid == 42);
  CHECK(news_of("a", state_of(1, phase::exited, 42, 3), told).empty());
  CHECK(kinds(news_of("a", state_of(2, phase::running, 43), told)) == std::vector{kind::started});
}

TEST_CASE("a run that was over before anybody looked is told with its start") {
  told_runs told;
  CHECK(kinds(news_of("a", state_of(1, phase::exited, 42, 3), told))
        == std::vector{kind::started, kind::exited});
  told = {};
  CHECK(kinds(news_of("a", state_of(1, phase::gone, 42, 137), told))
        == std::vector{kind::started, kind::exited});
}

TEST_CASE("that the starter killed the program is not told as how the program ended") {
  auto killed = state_of(1, phase::gone, 42, 137);
  killed.failed = starter::problem::killed;
  told_runs told;
  auto news = news_of("a", killed, told);
  REQUIRE(kinds(news) == std::vector{kind::started, kind::exited});
  CHECK_FALSE(news[1].exit);
  CHECK_FALSE(found_alive("a", killed).exit);
  CHECK_FALSE(found_dead("a", killed).exit);
  CHECK_FALSE(found_dead("a", killed).died);
}

TEST_CASE("who did not stop in time, the program or what it left, is told by the program's end") {
  auto state = state_of(1, phase::exited, 42, 137);
  SUBCASE("the program has no end of its own") {
    state.failed = starter::problem::too_slow;
  }
  SUBCASE("the program had ended before") {
    state.failed = starter::problem::rest_too_slow;
    state.exit = 0;
  }
  told_runs told{1, 0};
  auto news = news_of("a", state, told);
  REQUIRE(kinds(news) == std::vector{kind::exited});
  CHECK(news[0].too_slow);
  CHECK(news[0].exit.has_value() == (state.failed == starter::problem::rest_too_slow));
}

TEST_CASE("a program that was not started is told as that alone") {
  told_runs told;
  CHECK(kinds(news_of("a", state_of(1, phase::not_started), told))
        == std::vector{kind::not_started});
  CHECK(news_of("a", state_of(1, phase::not_started), told).empty());
  CHECK(news_of("a", state_of(1, phase::gone), told).empty());
}

TEST_CASE("what an agent finds it does not tell again, but what comes after") {
  SUBCASE("of a program that runs") {
    auto state = state_of(4, phase::running, 42);
    auto found = found_alive("a", state);
    CHECK(found.running);
    CHECK(found.pid == 42);
    CHECK(found.started_at.microseconds == 7);
    CHECK_FALSE(found.exit);
    auto told = told_by(state);
    CHECK(news_of("a", state, told).empty());
    CHECK(kinds(news_of("a", state_of(4, phase::exited, 42, 1), told))
          == std::vector{kind::exited});
  }
  SUBCASE("of one that ended") {
    auto state = state_of(4, phase::exited, 42, 9);
    auto found = found_alive("a", state);
    CHECK_FALSE(found.running);
    CHECK(found.pid == 0);
    CHECK(found.exit == 9);
    auto told = told_by(state);
    CHECK(news_of("a", state, told).empty());
  }
  SUBCASE("of one that is just being started") {
    auto state = state_of(4, phase::starting);
    CHECK_FALSE(found_alive("a", state).running);
    CHECK(found_alive("a", state).starting);
    CHECK_FALSE(found_alive("a", state).started_at);
    auto told = told_by(state);
    CHECK(news_of("a", state, told).empty());
    CHECK(kinds(news_of("a", state_of(4, phase::running, 42), told)) == std::vector{kind::started});
  }
  SUBCASE("of one whose starter has not begun its first run") {
    auto state = state_of(0, phase::starting);
    CHECK(found_alive("a", state).starting);
    auto told = told_by(state);
    CHECK(news_of("a", state, told).empty());
    CHECK(kinds(news_of("a", state_of(1, phase::running, 42), told)) == std::vector{kind::started});
    CHECK(kinds(news_of("a", state_of(1, phase::exited, 42), told)) == std::vector{kind::exited});
  }
  SUBCASE("of one whose starter is about to end itself") {
    auto state = state_of(4, phase::gone, 42, 9);
    CHECK(found_alive("a", state).exit == 9);
    auto told = told_by(state);
    CHECK(news_of("a", state, told).empty());
  }
  SUBCASE("of one that could not be started") {
    auto state = state_of(4, phase::not_started);
    CHECK_FALSE(found_alive("a", state).starting);
    CHECK_FALSE(found_alive("a", state).started_at);
  }
}

TEST_CASE("how a program ended is known after its starter has gone") {
  CHECK(found_dead("a", state_of(1, phase::exited, 42, 3)).exit == 3);
  CHECK(found_dead("a", state_of(1, phase::gone, 42, 137)).exit == 137);
  CHECK_FALSE(found_dead("a", state_of(1, phase::gone)).exit);
  CHECK_FALSE(found_dead("a", state_of(1, phase::running, 42)).exit);
  CHECK_FALSE(found_dead("a", state_of(1, phase::running, 42)).running);
  CHECK(found_dead("a", state_of(1, phase::running, 42)).died);
  CHECK(found_dead("a", state_of(1, phase::running, 42)).started_at.microseconds == 7);
  CHECK(found_dead("a", state_of(1, phase::starting)).died);
  CHECK_FALSE(found_dead("a", state_of(1, phase::exited, 42, 3)).died);
  // Nothing was started yet.
  CHECK_FALSE(found_dead("a", state_of(0, phase::starting)).died);
}
