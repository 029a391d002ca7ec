/// How many placements a second the store makes durable, on each database, beside what the disk
/// takes: one line each.
///
///   deployminator-commits DIRECTORY [SECONDS]

#include "store/open_connection.hpp"
#include "store/store.hpp"
#include "test/store/mariadb_server.hpp"

#include <fmt/format.h>

#include <chrono>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <fcntl.h>
#include <functional>
#include <string>
#include <unistd.h>
#include <vector>

using namespace deployminator;

namespace {

using clock_type = std::chrono::steady_clock;

/// Calls `once` for so long, and says how often a second it returned.
double rate(std::chrono::seconds duration, const std::function<void()>& once) {
  auto begun = clock_type::now();
  std::uint64_t count = 0;
  for (; clock_type::now() - begun < duration; ++count)
    once();
  return static_cast<double>(count)
         / std::chrono::duration<double>(clock_type::now() - begun).count();
}

void print(const std::string& what, double per_second) {
  fmt::print("{:<52} {:>8.0f}/s\n", what, per_second);
  std::fflush(stdout);
}

template <class T>
T or_exit(messages::result<T> r) {
  if (r)
    return std::move(*r);
  fmt::print(stderr, "{}\n", r.error().message);
  std::exit(1);
}

double floor_of(const std::string& file, std::chrono::seconds duration) {
  int fd = ::open(file.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
  std::vector<char> block(4096, 'x');
  off_t at = 0;
  auto found = rate(duration, [&] {
    if (::pwrite(fd, block.data(), block.size(), at) < 0 || ::fdatasync(fd) != 0)
      std::exit(1);
    at = (at + 4096) % (1 << 20);
  });
  ::close(fd);
  ::unlink(file.c_str());
  return found;
}

messages::change group_of_one() {
  messages::change c;
  c.groups.push_back({1, "bench", "web", 1, 0, {}});
  messages::version v;
  v.id = v.group_id = 1;
  v.applications.emplace_back().id = 1;
  v.applications.back().name = "web";
  c.versions.push_back(v);
  return c;
}

/// `count` instances are placed on a machine: their rows, the machine's, and an event each.
messages::change placement(std::uint64_t n, std::uint64_t count) {
  messages::change c;
  for (std::uint64_t i = 0; i < count; ++i) {
    messages::instance each;
    each.id = each.seen.id = fmt::format("web-{}", (n * count + i) % 1000);
    each.version_id = each.group_id = 1;
    each.application = "web";
    each.machine = "m1";
    each.revision = n;
    c.instances.push_back(each);
    c.events.push_back({0, {1}, "bench", "web", 1, messages::rollout_step{"placed", each.id}});
  }
  c.machines.push_back({"m1", "x", {"worker"}, 1000, "0.1", {1}, n});
  return c;
}

double placements_in(const std::string& url, std::uint64_t at_once, std::chrono::seconds duration) {
  auto s = or_exit(store::open_store(url));
  or_exit(s->begin_epoch());
  std::uint64_t number = 1;
  or_exit(s->commit(number, group_of_one()));
  return rate(duration,
              [&] {
                ++number;
                or_exit(s->commit(number, placement(number, at_once)));
              })
         * static_cast<double>(at_once);
}

void measure(const std::string& name, const std::function<std::string()>& fresh_url,
             std::chrono::seconds duration) {
  for (std::uint64_t at_once : {1, 100})
    print(fmt::format("{}: placements, {} in each commit", name, at_once),
          placements_in(fresh_url(), at_once, duration));
}

/// With the settings of a real one: what it acknowledges is synced.
void measure_mariadb(std::chrono::seconds duration) {
  test::mariadb_server server;
  server.end(SIGTERM);
  server.start({"--innodb-flush-method=fsync", "--innodb-doublewrite=1",
                "--innodb-buffer-pool-size=128M", "--innodb-log-file-size=96M"});
  int count = 0;
  measure(
    "MariaDB",
    [&] {
      auto name = fmt::format("bench_{}", ++count);
      store::run(*store::open_connection(server.url("mysql"), {}), "CREATE DATABASE " + name);
      return server.url(name);
    },
    duration);
}

} // namespace

int main(int argc, char** argv) {
  if (argc < 2) {
    std::fputs("usage: deployminator-commits DIRECTORY [SECONDS]\n", stderr);
    return 2;
  }
  std::string directory = argv[1];
  std::chrono::seconds duration{argc > 2 ? std::atoi(argv[2]) : 10};
  // MariaDB's files lie where TMPDIR says.
  ::setenv("TMPDIR", directory.c_str(), 1);
  print("this disk: 4 KiB written and synced", floor_of(directory + "/floor", duration));
  test::temporary_directory of_sqlite;
  int count = 0;
  measure(
    "SQLite", [&] { return "sqlite:" + of_sqlite.file(fmt::format("bench-{}.db", ++count)); },
    duration);
  if (test::mariadb_server::program().empty())
    std::puts("MariaDB is not installed, so it was not measured (Debian: mariadb-server-core)");
  else
    measure_mariadb(duration);
  print("this disk again", floor_of(directory + "/floor", duration));
}
