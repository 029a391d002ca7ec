#include "agent/decisions/instance.hpp"
#include "agent/decisions/public_ports.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <functional>
#include <map>
#include <rapidcheck.h>
#include <set>

using namespace deployminator::agent;
using namespace deployminator::messages;
using namespace std::chrono_literals;
using std::chrono::milliseconds;

namespace {

constexpr auto bad = "GET http://127.0.0.1:4100/health answered 503: database away";

program checked_program(health_kind kind = health_kind::http) {
  program app;
  app.name = "web";
  app.binary = "bin/web";
  app.download_url = "http://example.org/web.tar";
  app.min_ready = 5s;
  app.health.kind = kind;
  app.health.path = "/health";
  app.health.port = kind == health_kind::http ? 1 : 0;
  app.health.start_within = 5min;
  return app;
}

/// An instance that runs, in simulated time: its program answers as the test says, ends when it is
/// told to, and is started again when the agent wants that.
class running_instance {
public:
  explicit running_instance(program app) {
    auto spec = std::make_shared<instance_spec>();
    spec->id = "web-1";
    spec->goal = instance_goal::run;
    spec->app = std::move(app);
    life.spec = spec;
    life.machine = "m1";
  }

  instance_life life;
  moment now{std::chrono::steady_clock::time_point{1h}, {1'000'000'000}};
  health_outcome answer{true, "GET http://127.0.0.1:4100/health answered 200: ok"};
  bool hangs = false;
  bool deaf = false;
  int starts = 0;
  int signals = 0;
  int checks = 0;
  /// What others saw, each time it changed.
  std::vector<observation> seen;
  std::vector<milliseconds> rests;
  void start() {
    tell(begun{});
  }

  void tell(const instance_event& event) {
    for (auto& action : advance(life, event, now))
      soon_.push_back(std::move(action));
    if (!(last_ == life.seen))
      seen.push_back(life.seen);
    last_ = life.seen;
    while (!soon_.empty()) {
      auto action = std::move(soon_.front());
      soon_.erase(soon_.begin());
      std::visit([this](const auto& a) { carry_out(a); }, action);
    }
  }

  void tell_notice(notice said) {
    process_event event{life.spec->id, process_event::kind::told, 0, {}, {}, {}};
    event.said = std::move(said);
    tell(process_changed{event, {}});
  }

  void pass(milliseconds time) {
    auto end = now.steady + time;
    while (!due_.empty() && due_.begin()->first <= end) {
      auto next = due_.extract(due_.begin());
      move_to(std::max(next.key(), now.steady));
      tell(next.mapped());
    }
    move_to(end);
  }

  void pass_until_ready() {
    for (int i = 0; i < 600 && life.seen.state != instance_state::ready; ++i)
      pass(100ms);
    REQUIRE(life.seen.state == instance_state::ready);
  }

  void change(const std::function<void(instance_spec&)>& how) {
    auto spec = std::make_shared<instance_spec>(*life.spec);
    how(*spec);
    ++spec->revision;
    tell(ordered{spec});
  }

private:
  void move_to(std::chrono::steady_clock::time_point then) {
    now.utc.microseconds
      += std::chrono::duration_cast<std::chrono::microseconds>(then - now.steady).count();
    now.steady = then;
  }
  void later(milliseconds after, instance_event event) {
    due_.emplace(now.steady + after, std::move(event));
  }

  void carry_out(const fetch_artifact&) {
    tell(fetch_ended{artifact{"abc", 10, "/cache/abc"}});
  }
  void carry_out(const reserve_grant& action) {
    grant granted{1000, {}};
    for (std::uint32_t n = 0; n < action.ports; ++n)
      granted.ports.push_back(static_cast<std::uint16_t>(4100 + n));
    tell(reserve_ended{granted});
  }
  void carry_out(const unpack_order&) {
    tell(unpack_ended{result<void>{}});
  }
  void carry_out(const launch_order&) {
    ++starts;
    process_event event{life.spec->id, process_event::kind::started, 41 + starts, now.utc, {}, {}};
    tell(process_changed{event, {}});
  }
  void carry_out(const stop_processes& action) {
    ++signals;
    if (deaf && action.rules.signal != 9)
      return;
    process_event event{life.spec->id, process_event::kind::exited, 0, {}, 0, {}};
    later(10ms, process_changed{event, "last words"});
  }
  void carry_out(const start_timer& action) {
    if (life.phase == instance_phase::resting)
      rests.push_back(action.after);
    later(action.after, timer_fired{action.number});
  }
  void carry_out(const start_check_timer& action) {
    later(action.after, check_due{action.number});
  }
  void carry_out(const ask_health& action) {
    ++checks;
    if (hangs)
      return later(action.order.timeout,
                   check_ended{action.number, false, "was not answered within 1s"});
    later(1ms, check_ended{action.number, answer.healthy, answer.seen});
  }
  template <class Other>
  void carry_out(const Other&) {}

  observation last_;
  std::vector<instance_action> soon_;
  std::multimap<std::chrono::steady_clock::time_point, instance_event> due_;
};

} // namespace

TEST_CASE("an instance with a health check is ready when it was healthy for min_ready") {
  running_instance i{checked_program()};
  i.answer = {false, bad};
  i.start();
  i.pass(20s);
  CHECK(i.life.seen.state == instance_state::running);
  CHECK(i.life.seen.reason == bad);
  i.answer = {true, "fine"};
  i.pass(2s);
  CHECK(i.life.seen.state == instance_state::running);
  CHECK(i.life.seen.reason == "is healthy, and ready when it was so for 5s");
  i.pass(6s);
  CHECK(i.life.seen.state == instance_state::ready);
  CHECK(i.life.seen.reason.empty());
  CHECK(i.starts == 1);
}

TEST_CASE("one failure on the way to being ready begins min_ready anew") {
  running_instance i{checked_program()};
  i.start();
  i.pass(4s);
  i.answer = {false, bad};
  i.pass(2s);
  i.answer = {true, "fine"};
  i.pass(4s);
  CHECK(i.life.seen.state == instance_state::running);
  i.pass(4s);
  CHECK(i.life.seen.state == instance_state::ready);
}

TEST_CASE("with min_ready 0 the first success makes an instance ready") {
  auto app = checked_program();
  app.min_ready = 0s;
  running_instance i{app};
  i.start();
  CHECK(i.life.seen.state == instance_state::running);
  i.pass(1100ms);
  CHECK(i.life.seen.state == instance_state::ready);
  CHECK(i.checks == 1);
}

TEST_CASE("as many failures in a row as the rules say make it unhealthy, and it is restarted") {
  running_instance i{checked_program()};
  i.start();
  i.pass_until_ready();
  i.seen.clear();
  i.answer = {false, bad};
  i.pass(4s);
  CHECK(i.life.seen.state == instance_state::ready);
  i.pass(2s);
  REQUIRE(i.seen.size() >= 3);
  auto why = std::string{"unhealthy: "} + bad + " (3 in a row)";
  CHECK(i.seen[0].state == instance_state::running);
  CHECK(i.seen[0].reason == why);
  CHECK(i.seen[1].state == instance_state::stopping);
  CHECK(i.seen[1].reason == why + "; is restarted");
  CHECK(i.seen[2].state == instance_state::failed);
  CHECK(i.seen[2].reason == why);
  CHECK_FALSE(i.seen[2].exit);
  i.answer = {true, "fine"};
  i.pass_until_ready();
  CHECK(i.starts == 2);
  CHECK(i.life.seen.restarts == 1);
}

TEST_CASE("a success between two failures makes them count anew") {
  running_instance i{checked_program()};
  i.start();
  i.pass_until_ready();
  for (int n = 0; n < 50; ++n) {
    i.answer = {false, bad};
    i.pass(4s);
    i.answer = {true, "fine"};
    i.pass(2s);
  }
  CHECK(i.starts == 1);
  CHECK(i.life.seen.state == instance_state::ready);
}

TEST_CASE(
  "where it is never to be restarted an unhealthy instance runs on, and may be ready again") {
  auto app = checked_program();
  app.restart.policy = restart_policy::never;
  running_instance i{app};
  i.start();
  i.pass_until_ready();
  i.answer = {false, bad};
  i.pass(1min);
  CHECK(i.life.seen.state == instance_state::running);
  CHECK(i.signals == 0);
  i.answer = {true, "fine"};
  i.pass_until_ready();
  i.pass(1min);
  CHECK(i.life.seen.state == instance_state::ready);
  CHECK(i.starts == 1);
}

TEST_CASE("an unhealthy instance that heeds no signal is killed, and keeps its ports") {
  running_instance i{checked_program()};
  i.start();
  i.pass_until_ready();
  i.deaf = true;
  i.answer = {false, bad};
  i.pass(6s);
  i.pass(10s);
  CHECK(i.signals == 2);
  i.answer = {true, "fine"};
  i.deaf = false;
  i.pass_until_ready();
  CHECK(i.life.seen.ports == std::vector<std::uint16_t>{4100});
}

TEST_CASE("what was never healthy is restarted when its rollout's deadline is over, not before") {
  running_instance i{checked_program()};
  i.answer = {false, bad};
  i.start();
  i.pass(5min - 1s);
  CHECK(i.starts == 1);
  i.pass(10s);
  CHECK(i.starts == 2);
}

TEST_CASE("one check at a time: the next comes when the one before has ended") {
  auto app = checked_program();
  app.health.timeout = 10s;
  running_instance i{app};
  i.hangs = true;
  i.start();
  i.pass(60s);
  CHECK(i.checks <= 6);
  CHECK(i.life.seen.state == instance_state::running);
  CHECK(i.life.seen.reason == "was not answered within 1s");
}

TEST_CASE("an instance that is told to stop while it is restarted is not started again") {
  running_instance i{checked_program()};
  i.start();
  i.pass_until_ready();
  i.deaf = true;
  i.answer = {false, bad};
  i.pass(6s);
  REQUIRE(i.life.phase == instance_phase::stopping);
  i.change([](instance_spec& spec) { spec.goal = instance_goal::stop; });
  i.pass(30s);
  CHECK(i.starts == 1);
  CHECK(i.life.phase == instance_phase::clearing);
}

TEST_CASE("each word of a page that is never the same is not an event") {
  running_instance i{checked_program()};
  i.answer = {false, bad};
  i.start();
  i.pass(1s);
  i.seen.clear();
  for (int n = 0; n < 120; ++n) {
    i.answer.seen = "answered 503: request " + std::to_string(n);
    i.pass(1s);
  }
  CHECK(i.seen.size() <= 18);
  CHECK(i.life.seen.reason.starts_with("answered 503: request 1"));
}

TEST_CASE("other health rules for a program that runs leave it ready until they say otherwise") {
  running_instance i{checked_program()};
  i.start();
  i.pass_until_ready();
  i.change([](instance_spec& spec) { spec.app.health.path = "/other"; });
  CHECK(i.life.seen.state == instance_state::ready);
  i.answer = {false, "GET /other answered 404"};
  i.pass(8s);
  CHECK(i.starts == 2);
}

TEST_CASE("a program without the port that its new rules ask for is checked once it has one") {
  auto app = checked_program(health_kind::none);
  app.health = {};
  running_instance i{app};
  i.start();
  i.pass_until_ready();
  i.answer = {false, bad};
  i.change([](instance_spec& spec) { spec.app.health = checked_program().health; });
  i.pass(1min);
  CHECK(i.life.seen.state == instance_state::ready);
  CHECK(i.starts == 1);
}

// -- an agent that starts again -------------------------------------------------------------------

namespace {

/// The same program, found by an agent that starts.
running_instance taken_over(const running_instance& before) {
  running_instance out{before.life.spec->app};
  out.now = before.now;
  out.answer = before.answer;
  found_instance found;
  found.id = before.life.spec->id;
  found.granted = {1000, before.life.seen.ports};
  found.running = true;
  found.pid = before.life.seen.pid;
  found.started_at = before.life.seen.started_at;
  found.said = before.life.health.said;
  out.tell(begun{found, record_of(before.life), {}});
  return out;
}

} // namespace

TEST_CASE("a ready instance stays ready when its agent starts again, and is checked again") {
  running_instance before{checked_program()};
  before.start();
  before.pass_until_ready();
  auto i = taken_over(before);
  CHECK(i.seen.size() == 1);
  CHECK(i.life.seen.state == instance_state::ready);
  i.pass(1min);
  CHECK(i.checks > 20);
  CHECK(i.seen.size() == 1);
  i.answer = {false, bad};
  i.pass(6s);
  CHECK(i.life.seen.state == instance_state::failed);
}

TEST_CASE("a restarted instance that is ready stays so as well") {
  running_instance before{checked_program()};
  before.start();
  before.pass_until_ready();
  before.answer = {false, bad};
  before.pass(6s);
  before.answer = {true, "fine"};
  before.pass_until_ready();
  REQUIRE(before.starts == 2);
  CHECK(taken_over(before).life.seen.state == instance_state::ready);
}

TEST_CASE("an unhealthy instance is not taken for ready, and the next failure restarts it") {
  running_instance before{checked_program()};
  before.start();
  before.pass_until_ready();
  before.deaf = true;
  before.answer = {false, bad};
  before.pass(6s);
  REQUIRE(before.life.phase == instance_phase::stopping);
  auto i = taken_over(before);
  CHECK(i.life.seen.state == instance_state::running);
  i.pass(1100ms);
  CHECK(i.signals == 1);
}

TEST_CASE("an instance that was never healthy is not ready because it was alive for long") {
  running_instance before{checked_program()};
  before.answer = {false, bad};
  before.start();
  before.pass(1min);
  auto i = taken_over(before);
  CHECK(i.life.seen.state == instance_state::running);
  i.pass(1min);
  CHECK(i.life.seen.state == instance_state::running);
}

// -- what programs say of themselves --------------------------------------------------------------

TEST_CASE("a program that notifies is ready when it said so and min_ready has passed since") {
  running_instance i{checked_program(health_kind::notify)};
  i.start();
  CHECK(i.life.seen.reason == "has not said READY=1 yet");
  i.pass(1min);
  CHECK(i.life.seen.state == instance_state::running);
  i.tell_notice({.ready = false, .sign_at = {}, .status = "loading 3 of 7"});
  CHECK(i.life.seen.reason == "has not said READY=1 yet; says: loading 3 of 7");
  i.tell_notice({.ready = true, .sign_at = i.now.utc, .status = "serving"});
  i.pass(4900ms);
  CHECK(i.life.seen.state == instance_state::running);
  i.pass(200ms);
  CHECK(i.life.seen.state == instance_state::ready);
  CHECK(i.life.seen.reason == "says: serving");
}

TEST_CASE("a program that says that it stops is ready no more, and is left to stop") {
  running_instance i{checked_program(health_kind::notify)};
  i.start();
  i.tell_notice({.ready = true, .sign_at = i.now.utc});
  i.pass_until_ready();
  i.tell_notice({.ready = true, .stopping = true, .sign_at = i.now.utc});
  CHECK(i.life.seen.state == instance_state::running);
  CHECK(i.life.seen.reason == "says that it is stopping");
  CHECK(i.signals == 0);
}

TEST_CASE("a watchdog restarts what gives no sign of life, and nothing else") {
  auto app = checked_program(health_kind::notify);
  app.health.watchdog = 10s;
  running_instance i{app};
  i.start();
  i.tell_notice({.ready = true, .sign_at = i.now.utc});
  for (int n = 0; n < 60; ++n) {
    i.pass(9s);
    i.tell_notice({.ready = true, .sign_at = i.now.utc});
  }
  CHECK(i.life.seen.state == instance_state::ready);
  CHECK(i.starts == 1);
  i.seen.clear();
  i.pass(16s);
  REQUIRE(!i.seen.empty());
  CHECK(i.seen[0].reason == "unhealthy: said no WATCHDOG=1 for 10s");
  CHECK(i.starts == 2);
}

TEST_CASE("an agent that was held up does not take signs that wait for silence") {
  auto app = checked_program(health_kind::notify);
  app.health.watchdog = 10s;
  running_instance i{app};
  i.start();
  i.tell_notice({.ready = true, .sign_at = i.now.utc});
  i.pass_until_ready();
  auto number = i.life.health.number;
  i.now.steady += 60s;
  i.tell(check_due{number});
  i.tell_notice({.ready = true, .sign_at = {i.now.utc.microseconds + 1}});
  i.tell(check_due{number});
  CHECK(i.life.seen.state == instance_state::ready);
}

TEST_CASE("a program that has said that it is ready need not say so to the next agent") {
  running_instance before{checked_program(health_kind::notify)};
  before.start();
  before.tell_notice({.ready = true, .sign_at = before.now.utc});
  before.pass_until_ready();
  auto i = taken_over(before);
  i.pass(1min);
  CHECK(i.seen.size() == 1);
  CHECK(i.life.seen.state == instance_state::ready);
}

TEST_CASE("what was said while there was no agent counts") {
  running_instance before{checked_program(health_kind::notify)};
  before.start();
  before.pass(1min);
  before.life.health.said = {.ready = true, .sign_at = before.now.utc};
  auto i = taken_over(before);
  i.pass(6s);
  CHECK(i.life.seen.state == instance_state::ready);
}

TEST_CASE("a program that nobody listens to is ready when it was alive for min_ready") {
  running_instance before{checked_program(health_kind::notify)};
  before.start();
  before.pass(1min);
  running_instance i{before.life.spec->app};
  i.now = before.now;
  found_instance found;
  found.id = "web-1";
  found.running = true;
  found.pid = 42;
  found.started_at = before.life.seen.started_at;
  i.tell(begun{found, record_of(before.life), {}});
  CHECK(i.life.seen.state == instance_state::ready);
}

TEST_CASE("a status that changes all the time is told now and then") {
  running_instance i{checked_program(health_kind::notify)};
  i.start();
  i.tell_notice({.ready = true, .sign_at = i.now.utc});
  i.pass_until_ready();
  i.seen.clear();
  for (int n = 0; n < 600; ++n) {
    i.tell_notice({.ready = true, .sign_at = i.now.utc, .status = std::to_string(n)});
    i.pass(100ms);
  }
  CHECK(i.seen.size() <= 12);
  CHECK(i.seen.size() >= 4);
}

// -- an hour --------------------------------------------------------------------------------------

TEST_CASE("what flaps for an hour is restarted no more often than its back-off lets it") {
  CHECK(rc::check([] {
    auto app = checked_program();
    app.min_ready = milliseconds{*rc::gen::inRange(0, 3'000)};
    app.health.failures = *rc::gen::inRange(1U, 4U);
    running_instance i{app};
    i.start();
    auto end = i.now.steady + 1h;
    while (i.now.steady < end) {
      i.answer.healthy = !i.answer.healthy;
      i.answer.seen = i.answer.healthy ? "fine" : bad;
      i.pass(milliseconds{*rc::gen::inRange(500, 20'000)});
      i.seen.clear();
      // The longest that it can be known to be bad and ready all the same.
      bool is_known_bad = i.life.health.failures >= app.health.failures;
      RC_ASSERT(!(i.life.seen.state == instance_state::ready && is_known_bad));
    }
    // Seven starts take two minutes at least: the waits before them, or being ready for as long as
    // the longest, after which they begin anew.
    RC_ASSERT(i.starts <= 7 * 30 + 7);
    RC_ASSERT(static_cast<int>(i.rests.size()) + 1 >= i.starts);
    for (std::size_t n = 1; n < i.rests.size(); ++n)
      RC_ASSERT(i.rests[n] >= i.rests[n - 1] || i.rests[n] == 1s);
  }));
}

TEST_CASE(
  "whatever two instances' checks say, a public port leads to none that is known to be bad") {
  public_port_entry entry;
  entry.ports = {{80, 1}};
  CHECK(rc::check([&] {
    auto app = checked_program();
    app.min_ready = 1s;
    std::vector<running_instance> all{running_instance{app}, running_instance{app}};
    for (auto& each : all)
      each.start();
    for (int n = *rc::gen::inRange(1, 60); n > 0; --n) {
      port_candidates candidates;
      for (std::size_t k = 0; k < all.size(); ++k) {
        all[k].answer = {*rc::gen::arbitrary<bool>(), bad};
        all[k].hangs = *rc::gen::weightedElement<bool>({{4, false}, {1, true}});
        all[k].pass(2500ms);
        auto spec = std::make_shared<instance_spec>(*all[k].life.spec);
        spec->id = std::to_string(k);
        candidates[spec->id] = {spec, all[k].life.seen};
      }
      auto target = choose_targets({entry}, candidates).front();
      if (!target.instance.empty())
        RC_ASSERT(all[static_cast<std::size_t>(target.instance == "1")].life.health.failures
                  < app.health.failures);
    }
  }));
}

// -- words ----------------------------------------------------------------------------------------

TEST_CASE("of what a check sees people get the first line, bounded and harmless") {
  CHECK(first_line_of("database away\nsecond line") == "database away");
  CHECK(first_line_of("\r\n  ok \r\nmore") == "ok");
  CHECK(first_line_of("a\x1b[31mb\tc\x7f") == "a?[31mb?c?");
  CHECK(first_line_of("gr\xc3\xbc\xc3\x9f \xff\xc2\x85") == "gr\xc3\xbc\xc3\x9f ???");
  CHECK(first_line_of("") == "");
  auto longest = first_line_of(std::string(10'000, 'x'));
  CHECK(longest == std::string(200, 'x') + "…");
  CHECK(
    rc::check("any bytes are short and have no control characters", [](const std::string& text) {
      auto line = first_line_of(text);
      RC_ASSERT(line.size() <= 203U);
      for (char c : line)
        RC_ASSERT(static_cast<unsigned char>(c) >= 32 && c != 127);
    }));
}

TEST_CASE("instances that start together are first checked at different moments") {
  auto rules = checked_program().health;
  std::set<milliseconds> moments;
  for (int n = 0; n < 50; ++n)
    moments.insert(first_check_after("web-" + std::to_string(n), rules));
  CHECK(moments.size() > 40);
  CHECK(*moments.rbegin() <= 1s);
}
