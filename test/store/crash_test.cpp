#define DOCTEST_CONFIG_IMPLEMENT
#include "store/open_connection.hpp"
#include "store/store.hpp"
#include "test/store/mariadb_server.hpp"
#include "test/store/moving_farm.hpp"
#include "test/store/temporary_directory.hpp"

#include <doctest/doctest.h>
#include <fmt/format.h>

#include <atomic>
#include <chrono>
#include <csignal>
#include <cstdlib>
#include <poll.h>
#include <random>
#include <thread>
#include <unistd.h>

#include <sys/wait.h>

using namespace deployminator;
using namespace deployminator::test;
using namespace std::chrono_literals;

namespace {

/// How often something is killed: `--rounds N`.
int crash_rounds = 20;

bool has_no_mariadb() {
  bool missing = mariadb_server::program().empty();
  if (missing)
    MESSAGE("skipped: mariadbd is not installed (Debian: mariadb-server-core)");
  return missing;
}

void make_database(mariadb_server& on) {
  store::run(*store::open_connection(on.url("mysql"), {}), "CREATE DATABASE d");
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

/// Kills the process that writes into the store, again and again.
void kill_writers(const std::string& url) {
  auto seed = std::random_device{}();
  CAPTURE(seed);
  std::mt19937 random{seed};
  messages::farm expected;
  std::uint64_t done = 0;
  for (int round = 0; round < crash_rounds; ++round) {
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
    auto why = s ? std::string{} : s.error().message;
    CAPTURE(why);
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
  CHECK(done >= static_cast<std::uint64_t>(crash_rounds) / 2);
}

/// Commits change after change in a thread of its own, each under its number until it is made, as
/// the server does.
class steady_writer {
public:
  explicit steady_writer(store::store& to) : to_(to) {}

  void start() {
    is_to_end_ = false;
    thread_ = std::thread{[this] {
      while (!is_to_end_)
        write_next();
    }};
  }
  /// When the change that is under way is made.
  void end() {
    is_to_end_ = true;
    thread_.join();
  }
  [[nodiscard]] std::uint64_t done() const {
    return done_;
  }
  [[nodiscard]] std::uint64_t failures() const {
    return failures_;
  }

private:
  void write_next() {
    auto n = done_ + 1;
    for (;;) {
      auto last = to_.commit(n, nth_change(n));
      if (last) {
        CHECK(*last == 3 * n);
        break;
      }
      CHECK_MESSAGE(last.error().code == messages::failure_code::unreachable, last.error().message);
      ++failures_;
      std::this_thread::sleep_for(1ms);
    }
    done_ = n;
  }

  store::store& to_;
  std::thread thread_;
  std::atomic<bool> is_to_end_ = false;
  std::atomic<std::uint64_t> done_ = 0;
  std::atomic<std::uint64_t> failures_ = 0;
};

} // namespace

TEST_CASE("what was acknowledged is there, whole, after the writer was killed at any moment") {
  temporary_directory directory;
  kill_writers("sqlite:" + directory.file("store.db"));
}

TEST_CASE("the same with MariaDB") {
  if (has_no_mariadb())
    return;
  mariadb_server server;
  make_database(server);
  kill_writers(server.url("d"));
}

TEST_CASE("what was acknowledged is there, once, after MariaDB was killed at any moment") {
  if (has_no_mariadb())
    return;
  mariadb_server server;
  make_database(server);
  auto seed = std::random_device{}();
  CAPTURE(seed);
  std::mt19937 random{seed};
  auto s = or_exit(store::open_store(server.url("d")));
  or_exit(s->begin_epoch());
  messages::farm expected;
  expected.store_id = or_exit(s->load()).store_id;
  std::uint64_t applied = 0;
  steady_writer writer{*s};
  for (int round = 0; round < crash_rounds; ++round) {
    CAPTURE(round);
    writer.start();
    std::this_thread::sleep_for(std::chrono::microseconds{random() % 60'000});
    server.end(SIGKILL);
    std::this_thread::sleep_for(std::chrono::microseconds{random() % 10'000});
    server.start();
    auto before = writer.done();
    auto until = std::chrono::steady_clock::now() + 30s;
    while (writer.done() == before && std::chrono::steady_clock::now() < until)
      std::this_thread::sleep_for(1ms);
    writer.end();
    CHECK(writer.done() > before);
    while (applied < writer.done())
      messages::apply(expected, nth_change(++applied));
    auto f = s->load();
    REQUIRE(f);
    CHECK(*f == expected);
  }
  MESSAGE(writer.done(), " changes, ", writer.failures(), " attempts failed");
  CHECK(writer.failures() > 0);
  auto events = s->events_after(0, 4 * applied);
  REQUIRE(events);
  CHECK(events->back().seq == 3 * applied);
  CHECK(events->front().seq == events->back().seq + 1 - events->size());
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

int main(int argc, char** argv) {
  std::vector<char*> rest;
  for (int i = 0; i < argc; ++i) {
    if (std::string_view{argv[i]} == "--rounds" && i + 1 < argc)
      crash_rounds = std::atoi(argv[++i]);
    else
      rest.push_back(argv[i]);
  }
  return doctest::Context{static_cast<int>(rest.size()), rest.data()}.run();
}
