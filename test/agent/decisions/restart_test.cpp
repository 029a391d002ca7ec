#include "agent/decisions/restart.hpp"

#include <doctest/doctest.h>

using namespace deployminator::agent;
using namespace deployminator::messages;
using namespace std::chrono_literals;

namespace {

/// A program that ends when the test says so.
struct restarted_program {
  application app;
  exit_count exits;
  exit_count::time_point now{1h};

  restart_verdict end(std::optional<int> exit) {
    return after_exit(app, exit, "it ended", exits, now);
  }
};

} // namespace

TEST_CASE("the restart policy says what an exit means") {
  struct row {
    restart_policy policy;
    bool always_on;
    std::optional<int> exit;
    instance_state state;
    bool again;
  };
  restarted_program p;
  const auto failed = instance_state::failed;
  const auto stopped = instance_state::stopped;
  for (const auto& r : {row{restart_policy::always, true, 0, failed, true},
                        row{restart_policy::always, true, 1, failed, true},
                        row{restart_policy::always, true, std::nullopt, failed, true},
                        row{restart_policy::always, false, 0, stopped, false},
                        row{restart_policy::always, false, 1, failed, true},
                        row{restart_policy::always, false, std::nullopt, failed, true},
                        row{restart_policy::on_failure, true, 0, stopped, false},
                        row{restart_policy::on_failure, true, 1, failed, true},
                        row{restart_policy::never, true, 0, stopped, false},
                        row{restart_policy::never, true, 1, failed, false},
                        row{restart_policy::never, true, std::nullopt, failed, false}}) {
    CAPTURE(to_text(r.policy));
    CAPTURE(r.always_on);
    CAPTURE(r.exit.value_or(-1));
    p.app.restart.policy = r.policy;
    p.app.always_on = r.always_on;
    p.exits = {};
    auto verdict = p.end(r.exit);
    CHECK(verdict.state == r.state);
    CHECK(verdict.over != r.again);
    CHECK_FALSE(verdict.gave_up);
    CHECK(verdict.reason == (r.state == stopped ? "finished" : "it ended"));
  }
}

TEST_CASE("the back-off doubles from the first wait to the longest, and stays there") {
  CHECK(back_off(1s, 60s, 1) == 1s);
  CHECK(back_off(1s, 60s, 2) == 2s);
  CHECK(back_off(1s, 60s, 6) == 32s);
  CHECK(back_off(1s, 60s, 7) == 60s);
  CHECK(back_off(1s, 60s, 4'000'000'000U) == 60s);
  CHECK(back_off(5s, 3s, 1) == 3s);
  restarted_program p;
  p.app.restart.give_up_count = 0;
  CHECK(p.end(1).wait == 1s);
  CHECK(p.end(1).wait == 2s);
  p.exits.since_ready = 0;
  CHECK(p.end(1).wait == 1s);
}

TEST_CASE("as many exits within the window as the rule names end the attempts") {
  restarted_program p;
  p.app.restart.give_up_count = 3;
  p.app.restart.give_up_window = 90s;
  p.end(1);
  p.end(1);
  auto last = p.end(1);
  CHECK(last.over);
  CHECK(last.gave_up);
  CHECK(last.state == instance_state::failed);
  CHECK(last.reason == "it ended; gave up after 3 exits within 90s");
}

TEST_CASE("exits that are further apart than the window do not add up") {
  restarted_program p;
  p.app.restart.give_up_count = 2;
  for (int i = 0; i < 4; ++i) {
    CHECK_FALSE(p.end(1).over);
    p.now += p.app.restart.give_up_window + 1ms;
  }
  p.end(1);
  p.now += p.app.restart.give_up_window;
  CHECK(p.end(1).gave_up);
}

TEST_CASE("an exit that is as it should be does not count") {
  restarted_program p;
  p.app.always_on = false;
  p.app.restart.give_up_count = 1;
  CHECK_FALSE(p.end(0).gave_up);
  CHECK(p.exits.since_ready == 0);
  CHECK(p.exits.recent.empty());
}

TEST_CASE("an end that an earlier agent counted is not counted again") {
  restarted_program p;
  p.app.restart.give_up_count = 3;
  p.exits = recalled_exits(3, p.app.restart, p.now);
  auto verdict = after_known_exit(p.app, 1, "it ended", p.exits);
  CHECK_FALSE(verdict.over);
  CHECK(verdict.wait == 4s);
  CHECK(verdict.reason == "it ended");
  SUBCASE("and a job that is over stays over") {
    p.app.always_on = false;
    CHECK(after_known_exit(p.app, 0, "it ended", p.exits).reason == "finished");
    p.app.restart.policy = restart_policy::never;
    CHECK(after_known_exit(p.app, 1, "it ended", p.exits).over);
  }
}

TEST_CASE("a count of an earlier agent goes on, as if those exits were now") {
  restarted_program p;
  p.app.restart.give_up_count = 3;
  SUBCASE("with the next wait") {
    p.exits = recalled_exits(1, p.app.restart, p.now);
    CHECK(p.end(1).wait == 2s);
  }
  SUBCASE("up to the end of the attempts, and no further") {
    p.exits = recalled_exits(70, p.app.restart, p.now);
    CHECK(p.exits.recent.size() == 3);
    CHECK(p.end(1).gave_up);
  }
}
