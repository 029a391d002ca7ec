#include "agent/decisions/instance.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <deque>
#include <rapidcheck.h>

using namespace deployminator::agent;
using namespace deployminator::messages;
using namespace std::chrono_literals;

namespace {

instance_spec sample_spec(instance_goal goal) {
  instance_spec spec;
  spec.id = "web-1";
  spec.namespace_ = "shop";
  spec.group = "front";
  spec.version = 7;
  spec.goal = goal;
  spec.app.name = "web";
  spec.app.binary = "bin/web";
  spec.app.download_url = "http://example.org/web.tar";
  spec.app.args = {"--port", "${PORT1}"};
  return spec;
}

/// An instance on a machine where everything happens when the test says so.
struct bench {
  instance_life life;
  moment now{std::chrono::steady_clock::time_point{1h}, {1'000'000'000}};
  std::vector<instance_action> last;

  explicit bench(instance_spec spec) {
    life.machine = "m1";
    order(std::move(spec));
  }

  void order(instance_spec spec) {
    auto wanted = std::make_shared<const instance_spec>(std::move(spec));
    if (life.spec)
      tell(ordered{wanted});
    else
      life.spec = wanted;
  }
  void order(instance_goal goal) {
    auto spec = *life.spec;
    spec.goal = goal;
    order(spec);
  }
  void tell(const instance_event& event) {
    last = advance(life, event, now);
  }
  void tell(process_event::kind what, std::optional<int> exit = {}) {
    process_event event{life.spec->id, what, 0, {}, exit, {}};
    if (what == process_event::kind::started) {
      event.pid = 42;
      event.started_at = now.utc;
    }
    if (what == process_event::kind::not_started)
      event.problem = "cannot execute bin/web";
    tell(process_changed{event, "last words\n"});
  }
  void pass(std::chrono::milliseconds time) {
    now.steady += time;
    now.utc.microseconds += time.count() * 1'000;
  }
  template <class Action>
  [[nodiscard]] const Action* did() const {
    for (const auto& action : last)
      if (const auto* found = std::get_if<Action>(&action))
        return found;
    return nullptr;
  }
  /// Lets the timer that was set last come due.
  std::chrono::milliseconds time_out() {
    const auto* timer = did<start_timer>();
    REQUIRE(timer);
    auto waited = timer->after;
    pass(waited);
    tell(timer_fired{timer->number});
    return waited;
  }
  void fetch() {
    tell(begun{});
    REQUIRE(did<fetch_artifact>());
    tell(fetch_ended{artifact{"abc", 10, "/cache/abc"}});
    REQUIRE(did<reserve_grant>());
    tell(reserve_ended{grant{1000, {4100}}});
    REQUIRE(did<unpack_order>());
    tell(unpack_ended{result<void>{}});
  }
  void fetch_only() {
    fetch();
    REQUIRE(life.phase == instance_phase::waiting);
  }
  void run() {
    fetch();
    REQUIRE(did<launch_order>());
    tell(process_event::kind::started);
    REQUIRE(life.seen.state == instance_state::running);
  }
  void get_ready() {
    run();
    time_out();
    REQUIRE(life.seen.state == instance_state::ready);
  }
  /// The program ends, the back-off passes, it starts again.
  std::chrono::milliseconds crash_and_restart(int exit) {
    tell(process_event::kind::exited, exit);
    REQUIRE(life.seen.state == instance_state::failed);
    auto waited = time_out();
    restart();
    return waited;
  }
  void restart() {
    REQUIRE(did<reserve_grant>());
    tell(reserve_ended{grant{1000, {4100}}});
    if (did<unpack_order>())
      tell(unpack_ended{result<void>{}});
    REQUIRE(did<launch_order>());
    tell(process_event::kind::started);
  }
};

} // namespace

TEST_CASE("an instance whose artifact is in the cache downloads nothing, and says so") {
  bench b{sample_spec(instance_goal::fetch)};
  b.tell(begun{});
  CHECK(b.life.seen.state == instance_state::preparing);
  b.tell(fetch_ended{artifact{"abc", 10, "/cache/abc", true}});
  CHECK(b.life.seen.state == instance_state::preparing);
  CHECK(b.life.seen.reason == "the artifact is in the cache; is being unpacked");
}

TEST_CASE("an instance to be fetched is fetched, unpacked, and waits") {
  bench b{sample_spec(instance_goal::fetch)};
  b.tell(begun{});
  b.tell(fetch_note{});
  CHECK(b.life.seen.state == instance_state::downloading);
  b.tell(fetch_ended{artifact{"abc", 10, "/cache/abc"}});
  CHECK(b.did<reserve_grant>()->ports == 1);
  b.tell(reserve_ended{grant{1000, {4100}}});
  CHECK(b.did<unpack_order>()->artifact_path == "/cache/abc");
  CHECK_FALSE(b.life.seen.fetched);
  b.tell(unpack_ended{result<void>{}});
  CHECK(b.life.seen.state == instance_state::preparing);
  CHECK(b.life.seen.fetched);
  CHECK(b.life.seen.sha256 == "abc");
  CHECK(b.life.seen.reason == "unpacked; waits to be started");
  CHECK(b.last.empty());
}

TEST_CASE("an instance that waits is launched by one order, without being fetched again") {
  bench b{sample_spec(instance_goal::fetch)};
  b.fetch();
  b.order(instance_goal::run);
  b.tell(reserve_ended{grant{1000, {4100}}});
  REQUIRE(b.did<launch_order>());
  CHECK(b.did<launch_order>()->args == std::vector<std::string>{"--port", "4100"});
  CHECK(b.life.seen.state == instance_state::starting);
}

TEST_CASE("a program is ready when it has lived for min_ready, and keeps its first ready_at") {
  bench b{sample_spec(instance_goal::run)};
  b.run();
  CHECK_FALSE(b.life.seen.ready_at);
  CHECK(b.time_out() == 5s);
  CHECK(b.life.seen.state == instance_state::ready);
  auto first = b.life.seen.ready_at;
  CHECK(first == b.now.utc);
  b.crash_and_restart(1);
  CHECK(b.life.seen.state == instance_state::running);
  b.time_out();
  CHECK(b.life.seen.state == instance_state::ready);
  CHECK(b.life.seen.ready_at == first);
}

TEST_CASE("time that passed for an earlier run does not count for the next") {
  bench b{sample_spec(instance_goal::run)};
  b.run();
  auto of_the_first_run = *b.did<start_timer>();
  b.crash_and_restart(1);
  b.tell(timer_fired{of_the_first_run.number});
  CHECK(b.life.seen.state == instance_state::running);
}

TEST_CASE("a program that need not live for any time is ready at once") {
  auto spec = sample_spec(instance_goal::run);
  spec.app.min_ready = 0s;
  bench b{spec};
  b.fetch();
  b.tell(process_event::kind::started);
  CHECK(b.life.seen.state == instance_state::ready);
}

TEST_CASE("a limit that a program hit is told, with its end and while it goes on") {
  auto spec = sample_spec(instance_goal::run);
  spec.app.limits.max_kill_memory_mb = 64;
  spec.app.limits.processes = 20;
  bench b{spec};
  b.get_ready();
  process_event event{"web-1", process_event::kind::limited, 0, {}, {}, {}};
  event.hits.processes = true;
  b.tell(process_changed{event, ""});
  CHECK(b.life.seen.state == instance_state::ready);
  CHECK(b.life.seen.reason == "it wanted more than limits.processes (20) processes and threads");
  event.what = process_event::kind::exited;
  event.hits = {true, false};
  event.exit = 137;
  b.tell(process_changed{event, ""});
  CHECK(b.life.seen.state == instance_state::failed);
  CHECK(b.life.seen.reason == "killed: it used more than limits.maxkillmemory (64 MB) of memory");
  event.what = process_event::kind::limited;
  b.tell(process_changed{event, ""});
  CHECK(b.life.seen.reason == "killed: it used more than limits.maxkillmemory (64 MB) of memory");
}

TEST_CASE("how a program ended is told with its last lines") {
  bench b{sample_spec(instance_goal::run)};
  b.run();
  SUBCASE("by a code") {
    b.tell(process_event::kind::exited, 3);
    CHECK(b.life.seen.reason == "exited with code 3");
    CHECK(b.life.seen.exit == 3);
  }
  SUBCASE("by a signal") {
    b.tell(process_event::kind::exited, 137);
    CHECK(b.life.seen.reason == "killed by signal 9 (SIGKILL)");
  }
  SUBCASE("with its starter") {
    b.tell(process_event::kind::gone);
    CHECK(b.life.seen.exit == std::nullopt);
    CHECK(b.life.seen.reason == "its starter was killed, and the program with it");
    return;
  }
  CHECK(b.life.seen.state == instance_state::failed);
  CHECK(b.life.seen.pid == 0);
  CHECK(b.life.seen.output == "last words\n");
}

TEST_CASE("the times of the newest restarts are told, also by the next agent") {
  bench b{sample_spec(instance_goal::run)};
  b.run();
  CHECK(b.life.seen.restarted_at.empty());
  for (int i = 0; i < 4; ++i)
    b.crash_and_restart(1);
  CHECK(b.life.seen.restarts == 4);
  const auto& times = b.life.seen.restarted_at;
  CHECK(times.size() == timed_restarts);
  CHECK(times.back() == b.life.seen.started_at);
  CHECK(std::ranges::is_sorted(times));
  CHECK(record_of(b.life).restarted_at == times);
}

TEST_CASE("back-off doubles up to its maximum and begins anew once it was ready") {
  auto spec = sample_spec(instance_goal::run);
  spec.app.restart.backoff_max = 3s;
  bench b{spec};
  b.run();
  CHECK(b.crash_and_restart(1) == 1s);
  CHECK(b.crash_and_restart(1) == 2s);
  CHECK(b.crash_and_restart(1) == 3s);
  CHECK(b.life.seen.restarts == 3);
  b.time_out();
  CHECK(b.life.seen.state == instance_state::ready);
  CHECK(b.crash_and_restart(1) == 1s);
}

TEST_CASE("so many exits within the window as the rule names end the attempts") {
  auto spec = sample_spec(instance_goal::run);
  spec.app.restart.give_up_count = 5;
  bench b{spec};
  b.run();
  for (int i = 0; i < 4; ++i)
    b.crash_and_restart(1);
  b.tell(process_event::kind::exited, 1);
  CHECK(b.life.seen.state == instance_state::failed);
  CHECK(b.life.seen.reason == "exited with code 1; gave up after 5 exits within 10m");
  CHECK(b.did<kill_everything>());
  b.tell(process_event::kind::gone);
  CHECK(b.life.phase == instance_phase::ended);
  CHECK(b.life.seen.restarts == 4);
  CHECK(record_of(b.life).gave_up);
}

TEST_CASE("what was given up is tried again when something changes that it may have waited for") {
  auto spec = sample_spec(instance_goal::run);
  spec.app.restart.give_up_count = 2;
  bench b{spec};
  b.run();
  b.crash_and_restart(1);
  b.tell(process_event::kind::exited, 1);
  b.tell(process_event::kind::gone);
  REQUIRE(b.life.phase == instance_phase::ended);
  auto is_tried_again = [&](const std::string& reason) {
    CHECK(b.life.seen.reason == reason);
    CHECK_FALSE(record_of(b.life).gave_up);
    CHECK(b.time_out() == 0ms);
    b.restart();
    // With as many attempts as at first.
    CHECK(b.crash_and_restart(1) == 1s);
  };
  SUBCASE("the machine") {
    b.tell(world_changed{"the disk has space"});
    is_tried_again("the disk has space, so it is tried again");
  }
  SUBCASE("its orders") {
    spec.revision = 2;
    b.order(spec);
    is_tried_again("something else was deployed, so it is tried again");
  }
  SUBCASE("not when the same orders come again") {
    b.order(spec);
    CHECK(b.life.phase == instance_phase::ended);
  }
  SUBCASE("not when it is not to run any more") {
    b.order(instance_goal::stop);
    b.tell(world_changed{"the disk has space"});
    b.tell(process_event::kind::gone);
    CHECK(b.did<remove_files>());
  }
}

TEST_CASE("what rests goes on at once when something changes that it may have waited for") {
  bench b{sample_spec(instance_goal::run)};
  b.run();
  b.tell(process_event::kind::exited, 1);
  b.tell(world_changed{"the disk has space"});
  b.restart();
  CHECK(b.life.seen.state == instance_state::running);
  b.tell(world_changed{"the disk has space"});
  CHECK(b.last.empty());
}

TEST_CASE("a job that is done is not done again because something changed") {
  auto spec = sample_spec(instance_goal::run);
  spec.app.always_on = false;
  bench b{spec};
  b.run();
  b.tell(process_event::kind::exited, 0);
  b.tell(process_event::kind::gone);
  b.tell(world_changed{"the disk has space"});
  CHECK(b.life.phase == instance_phase::ended);
}

TEST_CASE("a port that was taken meanwhile is exchanged for another, which is said") {
  bench b{sample_spec(instance_goal::run)};
  constexpr auto why = "another process has taken port 4100 meanwhile, so it gets another";
  auto gets_another = [&] {
    REQUIRE(b.did<reserve_grant>());
    b.tell(reserve_ended{grant{1000, {4100}, 4100}});
    CHECK(b.life.seen.state == instance_state::starting);
    CHECK(b.life.seen.reason == why);
    CHECK(b.did<kill_everything>());
    b.tell(process_event::kind::gone);
    REQUIRE(b.did<reserve_grant>());
    b.tell(reserve_ended{grant{1000, {4101}}});
    CHECK(b.life.seen.ports == std::vector<std::uint16_t>{4101});
    REQUIRE(b.did<unpack_order>());
    b.tell(unpack_ended{result<void>{}});
    REQUIRE(b.did<launch_order>());
    CHECK(b.did<launch_order>()->args == std::vector<std::string>{"--port", "4101"});
    b.tell(process_event::kind::started);
    CHECK(b.life.seen.state == instance_state::running);
    CHECK(b.life.seen.reason == why);
  };
  SUBCASE("while the program was down") {
    b.run();
    b.tell(process_event::kind::exited, 1);
    b.time_out();
    gets_another();
    b.crash_and_restart(1);
    CHECK(b.life.seen.reason.empty());
  }
  SUBCASE("while it waited to be started the first time") {
    b.order(instance_goal::fetch);
    b.fetch_only();
    b.order(instance_goal::run);
    gets_another();
    CHECK(b.life.seen.restarts == 0);
  }
}

TEST_CASE("a program that finished as it should ends, and is not started again") {
  auto spec = sample_spec(instance_goal::run);
  spec.app.always_on = false;
  bench b{spec};
  b.run();
  b.tell(process_event::kind::exited, 0);
  CHECK(b.life.seen.state == instance_state::stopped);
  CHECK(b.life.seen.reason == "finished");
  b.tell(process_event::kind::gone);
  CHECK(b.life.phase == instance_phase::ended);
  CHECK_FALSE(record_of(b.life).gave_up);
}

TEST_CASE("a program that cannot be started is tried again under the same rules") {
  bench b{sample_spec(instance_goal::run)};
  b.fetch();
  b.tell(process_event::kind::not_started);
  CHECK(b.life.seen.state == instance_state::failed);
  CHECK(b.life.seen.reason == "cannot execute bin/web");
  CHECK(b.time_out() == 1s);
  b.restart();
  CHECK(b.life.seen.restarts == 0);
}

TEST_CASE("what prevents the preparation is told and tried again") {
  bench b{sample_spec(instance_goal::run)};
  b.tell(begun{});
  b.tell(fetch_ended{failure{failure_code::not_found, "there is no such file", {}}});
  CHECK(b.life.seen.state == instance_state::failed);
  CHECK(b.life.seen.reason == "there is no such file");
  CHECK(b.time_out() == 1s);
  CHECK(b.did<fetch_artifact>());
  b.tell(fetch_ended{failure{failure_code::not_found, "there is no such file", {}}});
  CHECK(b.time_out() == 2s);
  b.tell(fetch_ended{artifact{"abc", 10, "/cache/abc"}});
  b.tell(reserve_ended{failure{failure_code::refused, "no port is free", {}}});
  CHECK(b.life.seen.reason == "no port is free");
  b.time_out();
  CHECK(b.did<reserve_grant>());
}

TEST_CASE("an instance is stopped by signal, then by force, removed, and forgotten") {
  bench b{sample_spec(instance_goal::run)};
  b.get_ready();
  b.order(instance_goal::stop);
  CHECK(b.life.seen.state == instance_state::stopping);
  CHECK(b.did<stop_processes>()->rules.signal == 15);
  SUBCASE("when it obeys") {
    b.tell(process_event::kind::exited, 0);
  }
  SUBCASE("when it does not") {
    CHECK(b.time_out() == 10s);
  }
  CHECK(b.did<kill_everything>());
  b.tell(process_event::kind::gone);
  CHECK(b.did<remove_files>());
  b.tell(remove_ended{result<void>{}});
  CHECK(b.did<forget>());
  CHECK(b.life.seen.state == instance_state::stopped);
  CHECK(b.life.seen.pid == 0);
}

TEST_CASE("an instance whose starter ended it for being slow says so") {
  bench b{sample_spec(instance_goal::run)};
  b.get_ready();
  b.order(instance_goal::stop);
  process_event ended;
  ended.id = "web-1";
  ended.what = process_event::kind::exited;
  ended.exit = 0;
  ended.too_slow = true;
  b.tell(process_changed{ended, ""});
  CHECK(b.did<kill_everything>());
  b.tell(process_event::kind::gone);
  b.tell(remove_ended{result<void>{}});
  CHECK(b.life.seen.reason == "killed, for it did not end within 10s of signal 15 (SIGTERM)");
  CHECK(b.life.seen.exit == 0);
}

TEST_CASE("of a job whose starter was killed nobody knows the end, and its policy decides") {
  auto spec = sample_spec(instance_goal::run);
  spec.app.always_on = false;
  found_instance found;
  found.id = spec.id;
  found.died = true;
  found.started_at = timestamp{1'000'000};
  instance_record record;
  record.id = spec.id;
  record.fetched = true;
  record.started_at = found.started_at;
  SUBCASE("it runs again where it is to be restarted on failure") {
    spec.app.restart.policy = restart_policy::on_failure;
    bench b{spec};
    b.tell(begun{found, record, ""});
    CHECK(b.life.seen.reason == "its starter was killed, and the program with it");
    b.time_out();
    b.restart();
    CHECK(b.life.seen.restarts == 1);
  }
  SUBCASE("it is over, and failed, where it is never to be restarted") {
    spec.app.restart.policy = restart_policy::never;
    bench b{spec};
    b.tell(begun{found, record, ""});
    CHECK(b.life.seen.state == instance_state::failed);
    CHECK_FALSE(b.life.seen.exit);
    b.tell(process_event::kind::gone);
    CHECK(b.life.phase == instance_phase::ended);
  }
}

TEST_CASE("an instance that is just being launched gets its signal as soon as it runs") {
  bench b{sample_spec(instance_goal::run)};
  b.fetch();
  b.order(instance_goal::stop);
  CHECK_FALSE(b.did<stop_processes>());
  b.tell(process_event::kind::started);
  CHECK(b.did<stop_processes>());
}

TEST_CASE("an instance that is being fetched is stopped by ending its fetch") {
  bench b{sample_spec(instance_goal::run)};
  b.tell(begun{});
  b.order(instance_goal::stop);
  CHECK(b.did<cancel_fetch>());
  CHECK(b.did<kill_everything>());
}

TEST_CASE("files that cannot be removed are tried again") {
  bench b{sample_spec(instance_goal::fetch)};
  b.fetch();
  b.order(instance_goal::stop);
  b.tell(process_event::kind::gone);
  b.tell(remove_ended{failure{failure_code::internal, "cannot remove web-1", {}}});
  CHECK(b.life.seen.reason == "cannot remove web-1");
  CHECK(b.life.seen.stuck);
  b.time_out();
  CHECK(b.did<remove_files>());
}

TEST_CASE("an instance that need not run any more is stopped, kept, and can run again") {
  bench b{sample_spec(instance_goal::run)};
  b.get_ready();
  b.order(instance_goal::fetch);
  CHECK(b.did<stop_processes>());
  b.tell(process_event::kind::exited, 0);
  b.tell(process_event::kind::gone);
  CHECK(b.life.phase == instance_phase::waiting);
  b.order(instance_goal::run);
  b.restart();
  CHECK(b.life.seen.restarts == 1);
}

TEST_CASE("a hash that is pinned later") {
  bench b{sample_spec(instance_goal::fetch)};
  b.fetch();
  auto spec = *b.life.spec;
  SUBCASE("changes nothing where it is the same") {
    spec.app.sha256 = "abc";
    b.order(spec);
    CHECK(b.last.empty());
    CHECK(b.life.seen.fetched);
  }
  SUBCASE("has other bytes fetched") {
    spec.app.sha256 = "def";
    b.order(spec);
    CHECK(b.did<remove_files>());
    CHECK_FALSE(b.life.seen.fetched);
    b.tell(remove_ended{result<void>{}});
    CHECK(b.did<fetch_artifact>());
  }
}

TEST_CASE("bytes with another hash than the version's are refused") {
  auto spec = sample_spec(instance_goal::fetch);
  spec.app.sha256 = "def";
  bench b{spec};
  b.tell(begun{});
  b.tell(fetch_ended{artifact{"abc", 10, "/cache/abc"}});
  CHECK(b.life.seen.state == instance_state::failed);
  CHECK(b.life.seen.reason
        == "the bytes fetched have sha256 abc, but those of its version have def");
}

TEST_CASE("an instance that did not end in time was killed, which is not told as its exit") {
  bench b{sample_spec(instance_goal::run)};
  b.get_ready();
  b.order(instance_goal::stop);
  b.time_out();
  b.tell(process_event::kind::exited);
  CHECK_FALSE(b.life.seen.exit);
  b.tell(process_event::kind::gone);
  b.tell(remove_ended{result<void>{}});
  CHECK(b.life.seen.reason == "killed, for it did not end within 10s of signal 15 (SIGTERM)");
}

TEST_CASE("a program whose starter somebody told to end did not exit") {
  bench b{sample_spec(instance_goal::run)};
  b.run();
  b.tell(process_event::kind::exited);
  b.tell(process_event::kind::gone);
  CHECK(b.life.seen.state == instance_state::failed);
  CHECK_FALSE(b.life.seen.exit);
  CHECK(b.life.seen.reason == "its starter was told to end, and killed the program");
}

TEST_CASE("after a start that failed the directory is looked at before the next") {
  bench b{sample_spec(instance_goal::run)};
  b.fetch();
  b.tell(process_event::kind::not_started);
  b.time_out();
  b.tell(reserve_ended{grant{1000, {4100}}});
  REQUIRE(b.did<unpack_order>());
  CHECK(b.did<unpack_order>()->artifact_path.empty());
}

TEST_CASE("an agent that comes back while the program is just being started") {
  found_instance found{.id = "web-1", .granted = {1000, {4100}}, .starting = true};
  instance_record record{.id = "web-1", .fetched = true, .sha256 = "abc"};
  bench b{sample_spec(instance_goal::run)};
  SUBCASE("waits for it") {
    b.tell(begun{found, record});
    CHECK(b.last.empty());
    CHECK(b.life.seen.state == instance_state::starting);
    CHECK(b.life.seen.ports == found.granted.ports);
    b.tell(process_event::kind::started);
    CHECK(b.life.seen.state == instance_state::running);
    CHECK(b.life.seen.restarts == 0);
    CHECK(b.time_out() == 5s);
    CHECK(b.life.seen.state == instance_state::ready);
  }
  SUBCASE("hears that it cannot be started") {
    b.tell(begun{found, record});
    b.tell(process_event::kind::not_started);
    CHECK(b.life.seen.reason == "cannot execute bin/web");
    CHECK(b.time_out() == 1s);
    b.restart();
  }
  SUBCASE("counts it as a restart where it had run before") {
    record.started_at = b.now.utc;
    b.pass(1s);
    b.tell(begun{found, record});
    b.tell(process_event::kind::started);
    CHECK(b.life.seen.restarts == 1);
  }
  SUBCASE("knows it again where its starter had only lost its state") {
    record.started_at = b.now.utc;
    record.ready_at.microseconds = b.now.utc.microseconds + 1;
    b.tell(begun{found, record});
    b.tell(process_event::kind::started);
    CHECK(b.life.seen.restarts == 0);
    CHECK(b.life.seen.state == instance_state::ready);
  }
  SUBCASE("ends it as soon as it runs where it is not wanted any more") {
    b.life.spec = std::make_shared<const instance_spec>(sample_spec(instance_goal::stop));
    b.tell(begun{found, record});
    CHECK_FALSE(b.did<kill_everything>());
    b.tell(process_event::kind::started);
    CHECK(b.did<stop_processes>());
  }
}

TEST_CASE("an agent that comes back") {
  auto spec = sample_spec(instance_goal::run);
  found_instance found{"web-1", {1000, {4100}}, true, 42, {}, {}};
  instance_record record{"web-1", 2, {}, true, "abc", 1, {}, false};
  bench b{spec};
  found.started_at.microseconds = b.now.utc.microseconds - 2'000'000;
  SUBCASE("adopts a program that was ready as ready") {
    record.ready_at.microseconds = found.started_at.microseconds + 1;
    b.tell(begun{found, record});
    CHECK(b.life.seen.state == instance_state::ready);
    CHECK(b.life.seen.ready_at == record.ready_at);
  }
  SUBCASE("knows since when it was ready where the one before could not note that any more") {
    found.started_at.microseconds = b.now.utc.microseconds - 7'000'000;
    b.tell(begun{found, record});
    CHECK(b.life.seen.state == instance_state::ready);
    CHECK(b.life.seen.ready_at.microseconds == b.now.utc.microseconds - 2'000'000);
  }
  SUBCASE("counts on from its start where it was not") {
    b.tell(begun{found, record});
    CHECK(b.life.seen.state == instance_state::running);
    CHECK(b.life.seen.pid == 42);
    CHECK(b.life.seen.restarts == 2);
    CHECK(b.time_out() == 3s);
    CHECK(b.life.seen.state == instance_state::ready);
  }
  SUBCASE("counts the restart that the one before could not note any more") {
    record.started_at.microseconds = found.started_at.microseconds - 5'000'000;
    SUBCASE("of a program that runs") {
      b.tell(begun{found, record});
    }
    SUBCASE("of one that ended meanwhile") {
      found.running = false;
      found.exit = 9;
      b.tell(begun{found, record});
    }
    CHECK(b.life.seen.restarts == 3);
    CHECK(record_of(b.life).restarts == 3);
    CHECK(record_of(b.life).started_at == found.started_at);
  }
  SUBCASE("counts no restart twice") {
    record.started_at = found.started_at;
    b.tell(begun{found, record});
    CHECK(b.life.seen.restarts == 2);
  }
  SUBCASE("tells how a program ended in its absence, and starts it again") {
    found.running = false;
    found.exit = 9;
    b.tell(begun{found, record, "alas\n"});
    CHECK(b.life.seen.state == instance_state::failed);
    CHECK(b.life.seen.exit == 9);
    CHECK(b.life.seen.output == "alas\n");
    CHECK(b.time_out() == 2s);
    b.restart();
    CHECK(b.life.seen.restarts == 3);
  }
  SUBCASE("does not count the same end again") {
    found.running = false;
    found.exit = 9;
    record.exit = 9;
    record.started_at = record.ended_run = found.started_at;
    b.tell(begun{found, record});
    CHECK(b.life.seen.reason == "exited with code 9");
    CHECK(b.time_out() == 1s);
    CHECK(record_of(b.life).failures == 1);
    SUBCASE("but the next one, whatever it is") {
      b.restart();
      b.tell(process_event::kind::exited, 9);
      CHECK(record_of(b.life).failures == 2);
      CHECK(record_of(b.life).ended_run == b.now.utc);
    }
    SUBCASE("but a start that fails then") {
      b.tell(reserve_ended{grant{1000, {4100}}});
      b.tell(unpack_ended{result<void>{}});
      b.tell(process_event::kind::not_started);
      CHECK(record_of(b.life).failures == 2);
    }
  }
  SUBCASE("takes no earlier exit for the end of a program whose starter was killed") {
    found.running = false;
    found.died = true;
    record.exit = 9;
    SUBCASE("and starts it again") {
      b.tell(begun{found, record});
      CHECK(b.life.seen.reason == "its starter was killed, and the program with it");
      CHECK_FALSE(b.life.seen.exit);
      CHECK(record_of(b.life).failures == 2);
      b.time_out();
      b.restart();
    }
    SUBCASE("but not where it must not run twice") {
      spec.app.restart.policy = restart_policy::never;
      b.life.spec = std::make_shared<const instance_spec>(spec);
      b.tell(begun{found, record});
      b.tell(process_event::kind::gone);
      CHECK(b.life.phase == instance_phase::ended);
    }
  }
  SUBCASE("runs no job twice whose state was lost") {
    spec.app.always_on = false;
    spec.app.restart.policy = restart_policy::never;
    b.life.spec = std::make_shared<const instance_spec>(spec);
    record.started_at = found.started_at;
    b.tell(begun{found_instance{.id = "web-1"}, record});
    CHECK(b.life.seen.reason == "it does not run any more, and how it ended is not known");
    b.tell(process_event::kind::gone);
    CHECK(b.life.phase == instance_phase::ended);
  }
  SUBCASE("does not start what was given up") {
    found.running = false;
    found.exit = 9;
    record.gave_up = true;
    b.tell(begun{found, record});
    b.tell(process_event::kind::gone);
    CHECK(b.life.phase == instance_phase::ended);
    CHECK(b.life.seen.reason == "exited with code 9; gave up");
  }
  SUBCASE("tries what was given up again when the machine was booted since") {
    found.running = false;
    found.exit = 9;
    found.earlier_boot = true;
    record.gave_up = true;
    b.tell(begun{found, record});
    CHECK(b.life.seen.reason == "exited with code 9");
    b.time_out();
    CHECK(b.did<reserve_grant>());
    CHECK_FALSE(record_of(b.life).gave_up);
  }
  SUBCASE(
    "starts again at once what the machine ended, whatever the restart rules say of an exit") {
    found.running = false;
    found.interruption = "was stopped with all instances of its machine";
    found.exit = 143;
    spec.app.restart.policy = restart_policy::never;
    spec.app.restart.give_up_count = 1;
    b.life.spec = std::make_shared<const instance_spec>(spec);
    b.tell(begun{found, record, "bye\n"});
    CHECK(b.life.seen.reason
          == "was stopped with all instances of its machine; killed by signal 15 (SIGTERM)");
    CHECK(b.life.seen.exit == 143);
    CHECK(b.life.seen.output == "bye\n");
    CHECK(b.time_out() == 0s);
    b.restart();
    CHECK(b.life.seen.restarts == 3);
    CHECK(record_of(b.life).failures == 1);
  }
  SUBCASE("takes no earlier exit for the end of a program that went down with its machine") {
    found.running = false;
    found.interruption = "its machine went down";
    record.exit = 9;
    b.tell(begun{found, record});
    CHECK(b.life.seen.reason == "its machine went down");
    CHECK_FALSE(b.life.seen.exit);
    CHECK(b.time_out() == 0s);
    b.restart();
  }
  SUBCASE("runs a job again that its machine interrupted, even one that ended well on its signal") {
    found.running = false;
    found.interruption = "was stopped with all instances of its machine";
    found.exit = 0;
    spec.app.always_on = false;
    spec.app.restart.policy = restart_policy::on_failure;
    SUBCASE("where a failure would be tried again") {
      b.life.spec = std::make_shared<const instance_spec>(spec);
      b.tell(begun{found, record});
      CHECK(b.time_out() == 0s);
      b.restart();
    }
    SUBCASE("but not where it must not run twice") {
      spec.app.restart.policy = restart_policy::never;
      b.life.spec = std::make_shared<const instance_spec>(spec);
      b.tell(begun{found, record});
      b.tell(process_event::kind::gone);
      CHECK(b.life.phase == instance_phase::ended);
      CHECK(b.life.seen.state == instance_state::failed);
    }
  }
  SUBCASE("leaves one that waits waiting") {
    found.running = false;
    b.order(instance_goal::fetch);
    b.tell(begun{found, record});
    b.tell(process_event::kind::gone);
    CHECK(b.life.phase == instance_phase::waiting);
    CHECK(b.life.seen.fetched);
  }
  SUBCASE("fetches again where the directory turns out not to be whole") {
    found.running = false;
    b.tell(begun{found, record});
    b.tell(process_event::kind::gone);
    b.tell(reserve_ended{grant{1000, {4100}}});
    REQUIRE(b.did<unpack_order>());
    CHECK(b.did<unpack_order>()->artifact_path.empty());
    b.tell(unpack_ended{failure{failure_code::internal, "no artifact", {}}});
    CHECK(b.did<fetch_artifact>());
  }
  SUBCASE("ends what is not wanted any more") {
    b.order(instance_goal::stop);
    b.life.spec = std::make_shared<const instance_spec>(sample_spec(instance_goal::stop));
    b.tell(begun{found, record});
    CHECK(b.did<stop_processes>());
  }
}

namespace {

/// A machine that does what it is told in any order, and answers when the dice say so.
struct random_machine {
  bench b;
  std::deque<instance_event> pending;
  bool has_network = false;
  bool alive = false;
  int launches = 0;
  int exits = 0;
  int removals = 0;
  std::optional<start_timer> timer;
  std::optional<instance_event> check;

  explicit random_machine(instance_spec spec) : b(std::move(spec)) {}

  void happen(const instance_event& event) {
    b.tell(event);
    for (const auto& action : b.last)
      std::visit([this](const auto& each) { perform(each); }, action);
  }
  void process(process_event::kind what, std::optional<int> exit = {}) {
    pending.emplace_back(
      process_changed{{b.life.spec->id, what, 42, b.now.utc, exit, "problem"}, ""});
  }
  void end_program(int exit) {
    if (!alive)
      return;
    alive = false;
    process(process_event::kind::exited, exit);
  }

  void perform(const fetch_artifact&) {
    if (!has_network && *rc::gen::inRange(0, 4) == 0)
      pending.emplace_back(fetch_ended{failure{failure_code::unreachable, "cut off", {}}});
    else
      pending.emplace_back(fetch_ended{artifact{"abc", 1, "/cache/abc"}});
  }
  void perform(const cancel_fetch&) {
    std::erase_if(pending, [](const auto& e) { return std::holds_alternative<fetch_ended>(e); });
  }
  void perform(const reserve_grant&) {
    happen(reserve_ended{grant{1000, {4100}}});
  }
  void perform(const unpack_order&) {
    pending.emplace_back(unpack_ended{result<void>{}});
  }
  void perform(const launch_order&) {
    RC_ASSERT(!alive);
    ++launches;
    if (*rc::gen::inRange(0, 5) == 0)
      return process(process_event::kind::not_started);
    alive = true;
    process(process_event::kind::started);
  }
  void perform(const stop_processes&) {
    if (*rc::gen::arbitrary<bool>())
      end_program(143);
  }
  void perform(const kill_everything&) {
    end_program(137);
    process(process_event::kind::gone);
  }
  void perform(const remove_files&) {
    RC_ASSERT(!alive);
    pending.emplace_back(remove_ended{result<void>{}});
  }
  void perform(const start_timer& action) {
    timer = action;
  }
  void perform(const start_check_timer& action) {
    check = check_due{action.number};
  }
  void perform(const ask_health& action) {
    check = check_ended{action.number, *rc::gen::arbitrary<bool>(), "seen"};
  }
  void perform(const forget&) {
    ++removals;
  }

  void look() {
    if (check)
      happen(*std::exchange(check, std::nullopt));
  }

  void answer() {
    if (pending.empty())
      return;
    auto event = pending.front();
    pending.pop_front();
    happen(event);
  }
  void time_out() {
    if (!timer)
      return;
    auto due = *std::exchange(timer, std::nullopt);
    b.pass(due.after);
    happen(timer_fired{due.number});
  }
};

} // namespace

TEST_CASE("whatever happens, one program at most runs, and what is to go goes exactly once") {
  CHECK(rc::check([] {
    auto spec = sample_spec(*rc::gen::element(instance_goal::fetch, instance_goal::run));
    spec.app.restart.give_up_count = *rc::gen::inRange(0U, 4U);
    spec.app.always_on = *rc::gen::arbitrary<bool>();
    spec.app.health.kind = *rc::gen::element(health_kind::none, health_kind::http);
    spec.app.health.port = 1;
    spec.app.health.failures = *rc::gen::inRange(1U, 3U);
    random_machine m{spec};
    m.happen(begun{});
    auto steps = *rc::gen::container<std::vector<int>>(rc::gen::inRange(0, 10));
    for (int step : steps) {
      if (step <= 2)
        m.answer();
      else if (step >= 8)
        m.look();
      else if (step <= 4)
        m.time_out();
      else if (step == 5)
        m.end_program(*rc::gen::inRange(0, 2));
      else {
        auto next = *m.b.life.spec;
        next.goal = step == 6 ? instance_goal::fetch : instance_goal::run;
        m.happen(ordered{std::make_shared<const instance_spec>(next)});
      }
    }
    auto next = *m.b.life.spec;
    next.goal = instance_goal::stop;
    m.happen(ordered{std::make_shared<const instance_spec>(next)});
    for (int i = 0; i < 20 && m.removals == 0; ++i) {
      while (!m.pending.empty())
        m.answer();
      m.time_out();
    }
    RC_ASSERT(m.removals == 1);
    RC_ASSERT(!m.alive);
    while (!m.pending.empty())
      m.answer();
    m.time_out();
    RC_ASSERT(m.removals == 1);
  }));
}

TEST_CASE("a program that always fails is started no more often than the rules allow") {
  CHECK(rc::check([] {
    auto spec = sample_spec(instance_goal::run);
    spec.app.restart.give_up_count = *rc::gen::inRange(1U, 8U);
    random_machine m{spec};
    m.has_network = true;
    m.happen(begun{});
    for (int i = 0; i < 200; ++i) {
      while (!m.pending.empty())
        m.answer();
      if (m.alive)
        m.end_program(1);
      else
        m.time_out();
    }
    RC_ASSERT(m.b.life.phase == instance_phase::ended);
    RC_ASSERT(m.launches == static_cast<int>(spec.app.restart.give_up_count));
  }));
}

namespace {

instance_spec files_spec() {
  auto spec = sample_spec(instance_goal::run);
  spec.app.type = deploy_type::static_files;
  spec.app.static_target_dir = "/srv/www/shop";
  spec.app.binary.clear();
  spec.app.args.clear();
  spec.app.min_ready = 0ms;
  return spec;
}

/// The launcher says that they are published.
void publish(bench& b) {
  process_event event{b.life.spec->id, process_event::kind::started, 0, {}, {}, {}};
  event.started_at = b.now.utc;
  b.tell(process_changed{event, ""});
}

} // namespace

TEST_CASE("files are ready as soon as they are published, and have no user, ports or process") {
  bench b{files_spec()};
  b.tell(begun{});
  b.tell(fetch_ended{artifact{"abc", 10, "/cache/abc"}});
  REQUIRE(b.did<reserve_grant>());
  CHECK_FALSE(b.did<reserve_grant>()->own_user);
  CHECK(b.did<reserve_grant>()->ports == 0);
  b.tell(reserve_ended{grant{}});
  REQUIRE(b.did<unpack_order>());
  CHECK_FALSE(b.did<unpack_order>()->runs_binary);
  CHECK(b.did<unpack_order>()->published.sha256 == "abc");
  b.tell(unpack_ended{result<void>{}});
  REQUIRE(b.did<launch_order>());
  CHECK(b.did<launch_order>()->published.application == "shop/front/web");
  CHECK(b.did<launch_order>()->published.path == "/srv/www/shop");
  publish(b);
  CHECK(b.life.seen.state == instance_state::ready);
  CHECK(b.life.seen.pid == 0);
}

TEST_CASE("a web package has no path of its own") {
  auto spec = files_spec();
  spec.app.type = deploy_type::web_package;
  bench b{spec};
  b.fetch();
  REQUIRE(b.did<launch_order>());
  CHECK(b.did<launch_order>()->published.path.empty());
}

TEST_CASE("files that are not wanted any more are taken away at once") {
  bench b{files_spec()};
  b.fetch();
  publish(b);
  b.order(instance_goal::stop);
  CHECK(b.life.seen.state == instance_state::stopping);
  CHECK(b.did<kill_everything>());
  CHECK_FALSE(b.did<stop_processes>());
  b.tell(process_event::kind::gone);
  CHECK(b.did<remove_files>());
}

TEST_CASE("files that were published stay ready for the next agent") {
  bench b{files_spec()};
  b.fetch();
  publish(b);
  auto record = record_of(b.life);
  found_instance found;
  found.id = "web-1";
  found.running = true;
  found.started_at = b.life.seen.started_at;
  bench next{files_spec()};
  next.now = b.now;
  next.tell(begun{found, record, ""});
  CHECK(next.life.seen.state == instance_state::ready);
  CHECK(next.life.seen.restarts == 0);
  CHECK(next.last.empty());
}
