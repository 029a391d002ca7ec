#include "store/store.hpp"
#include "test/store/temporary_directory.hpp"

#include <doctest/doctest.h>
#include <fmt/format.h>

#include <chrono>
#include <csignal>
#include <poll.h>
#include <random>
#include <thread>
#include <unistd.h>

#include <sys/wait.h>

using namespace deployminator;
using namespace deployminator::test;
using namespace std::chrono_literals;

namespace {

/// The nth change of a farm that moves on and on: touches every table, so that half of it shows.
messages::change nth_change(std::uint64_t n) {
  messages::change c;
  c.groups.push_back({1, "demo", "shop", n - 1, n, {}});
  messages::version v;
  v.id = n;
  v.group_id = 1;
  for (auto id : {2 * n, 2 * n - 1}) {
    v.applications.emplace_back().id = id;
    v.applications.back().name = fmt::format("app-{}", id);
  }
  c.versions.push_back(v);
  for (int i = 0; i < 10; ++i) {
    auto id = fmt::format("{}-{}", n, i);
    messages::instance each;
    each.id = id;
    each.version_id = n;
    each.group_id = 1;
    each.application = v.applications[0].name;
    each.machine = "m";
    each.memory_mb = v.applications[0].limits.max_memory_mb;
    each.seen.id = id;
    c.instances.push_back(each);
    if (n > 2)
      c.gone_instances.push_back({fmt::format("{}-{}", n - 2, i), 1});
  }
  c.machines.push_back({"m", "x", {"worker"}, 1, "0.1", {}, n});
  if (n % 2 == 0)
    c.rollouts.push_back({.group_id = 1, .id = n, .from = n - 1, .to = n});
  else
    c.finished_rollouts.push_back({1});
  c.receipts.push_back(
    {.id = fmt::format("order-{}", n), .versions = {{"demo", "shop", n, n}}, .seq = n});
  for (int i = 0; i < 3; ++i)
    c.events.push_back({0, {1}, "", "", 0, messages::rollout_step{"placed", std::to_string(n)}});
  return c;
}

std::uint64_t changes_in(const messages::farm& f) {
  return f.machines.empty() ? 0 : f.machines.begin()->second.generation;
}

/// The result's value; ends the process when there is none.
template <class T>
T or_exit(messages::result<T> r) {
  if (r)
    return std::move(*r);
  fmt::print(stderr, "{}\n", r.error().message);
  ::_exit(1);
}

/// In a process of its own: commits change after change and tells each that was acknowledged.
[[noreturn]] void write_for_ever(const std::string& url, int acknowledged) {
  auto s = or_exit(store::open_store(url));
  or_exit(s->begin_epoch());
  auto start = changes_in(or_exit(s->load()));
  for (std::uint64_t number = 1;; ++number) {
    auto n = start + number;
    or_exit(s->commit(number, nth_change(n)));
    if (::write(acknowledged, &n, sizeof n) != sizeof n)
      ::_exit(2);
  }
}

struct writer {
  pid_t pid = 0;
  int acknowledged = -1;
};

writer start_writer(const std::string& url) {
  int ends[2];
  REQUIRE(::pipe(ends) == 0);
  auto pid = ::fork();
  REQUIRE(pid >= 0);
  if (pid == 0) {
    ::close(ends[0]);
    write_for_ever(url, ends[1]);
  }
  ::close(ends[1]);
  return {pid, ends[0]};
}

/// The last change that the writer told of; waits for its end.
std::uint64_t last_acknowledged(int acknowledged) {
  std::uint64_t last = 0;
  for (std::uint64_t n = 0; ::read(acknowledged, &n, sizeof n) == sizeof n;)
    last = n;
  ::close(acknowledged);
  return last;
}

void kill_and_reap(pid_t pid) {
  ::kill(pid, SIGKILL);
  int status = 0;
  REQUIRE(::waitpid(pid, &status, 0) == pid);
  CHECK(WIFSIGNALED(status));
}

} // namespace

TEST_CASE("what was acknowledged is there, whole, after the writer was killed at any moment") {
  temporary_directory directory;
  auto url = "sqlite:" + directory.file("store.db");
  auto seed = std::random_device{}();
  CAPTURE(seed);
  std::mt19937 random{seed};
  messages::farm expected;
  std::uint64_t done = 0;
  for (int round = 0; round < 20; ++round) {
    CAPTURE(round);
    auto w = start_writer(url);
    // Every other one is killed early, while it opens the store.
    if (round % 2 == 1) {
      pollfd first{w.acknowledged, POLLIN, 0};
      REQUIRE(::poll(&first, 1, 20'000) == 1);
    }
    std::this_thread::sleep_for(std::chrono::microseconds{random() % 30'000});
    kill_and_reap(w.pid);
    auto acknowledged = std::max(last_acknowledged(w.acknowledged), done);

    auto s = store::open_store(url);
    REQUIRE(s);
    REQUIRE((*s)->begin_epoch());
    auto f = (*s)->load();
    REQUIRE(f);
    if (expected.store_id.empty())
      expected.store_id = f->store_id;
    auto found = changes_in(*f);
    CHECK(found >= acknowledged);
    CHECK(found <= acknowledged + 1);
    while (done < found)
      messages::apply(expected, nth_change(++done));
    CHECK(*f == expected);
    auto events = (*s)->events_after(f->last_event - std::min<std::uint64_t>(f->last_event, 9), 99);
    REQUIRE(events);
    CHECK(events->size() == std::min<std::uint64_t>(f->last_event, 9));
  }
  CHECK(done >= 10);
}

TEST_CASE("servers that open a fresh database at once all get an epoch of their own") {
  temporary_directory directory;
  auto url = "sqlite:" + directory.file("store.db");
  constexpr int servers = 5;
  std::vector<pid_t> pids;
  for (int i = 0; i < servers; ++i) {
    auto pid = ::fork();
    REQUIRE(pid >= 0);
    if (pid == 0) {
      or_exit(or_exit(store::open_store(url))->begin_epoch());
      ::_exit(0);
    }
    pids.push_back(pid);
  }
  for (auto pid : pids) {
    int status = 0;
    REQUIRE(::waitpid(pid, &status, 0) == pid);
    CHECK(WIFEXITED(status));
    CHECK(WEXITSTATUS(status) == 0);
  }
  auto s = store::open_store(url);
  REQUIRE(s);
  CHECK(*(*s)->begin_epoch() == servers + 1);
}
