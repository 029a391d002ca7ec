#pragma once

#include "agent/linux/files.hpp"
#include "agent/linux/log_files.hpp"
#include "agent/linux/process_launcher.hpp"
#include "messages/log_line.hpp"

#include <doctest/doctest.h>

#include <condition_variable>
#include <deque>
#include <filesystem>
#include <fstream>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <unistd.h>

namespace deployminator::agent::testing {

using namespace std::chrono_literals;

/// A directory that is gone with the test, and that other users can reach.
struct scratch {
  std::string path;

  /// Root's instances do not see this /tmp.
  explicit scratch(const std::string& parent = geteuid() == 0 ? "/srv" : "/tmp") {
    auto pattern = parent + "/deployminator-test-XXXXXX";
    path = mkdtemp(pattern.data());
    std::filesystem::permissions(path, std::filesystem::perms{0755});
  }
  ~scratch() {
    std::error_code ignored;
    std::filesystem::remove_all(path, ignored);
  }
  scratch(const scratch&) = delete;
  scratch& operator=(const scratch&) = delete;

  std::string operator/(const std::string& name) const {
    return path + "/" + name;
  }
};

inline void write(const std::string& path, const std::string& text) {
  std::ofstream{path, std::ios::binary} << text;
}

inline std::string content(const std::string& path) {
  std::ifstream in{path, std::ios::binary};
  return {std::istreambuf_iterator<char>{in}, {}};
}

/// Waits until `holds()`, at most 20 seconds; looks often, since there is nothing to be woken by.
template <class Condition>
bool eventually(Condition holds) {
  auto deadline = std::chrono::steady_clock::now() + 20s;
  while (!holds()) {
    if (std::chrono::steady_clock::now() > deadline)
      return false;
    std::this_thread::sleep_for(2ms);
  }
  return true;
}

/// /proc/PID/stat from the state on; empty where there is no such process.
inline std::string stat_of(std::int64_t pid) {
  auto stat = read_file("/proc/" + std::to_string(pid) + "/stat");
  auto bracket = stat ? stat->rfind(')') : std::string::npos;
  return bracket == std::string::npos || bracket + 2 > stat->size() ? ""
                                                                    : stat->substr(bracket + 2);
}

/// Whether a process of this id runs (a dead one that nobody reaped does not).
inline bool runs(std::int64_t pid) {
  auto stat = stat_of(pid);
  return !stat.empty() && stat[0] != 'Z' && stat[0] != 'X';
}

inline std::int64_t parent_of(std::int64_t pid) {
  auto stat = stat_of(pid);
  return stat.empty() ? 0 : std::stoll(stat.substr(2));
}

/// Things that arrive from another thread.
template <class T>
class arrivals {
public:
  void put(T value) {
    std::lock_guard lock{mutex_};
    values_.push_back(std::move(value));
    changed_.notify_all();
  }
  T next() {
    std::unique_lock lock{mutex_};
    if (!changed_.wait_for(lock, 30s, [this] { return !values_.empty(); })) {
      FAIL("nothing arrived within 30 s");
      throw std::runtime_error{"nothing arrived"};
    }
    auto out = std::move(values_.front());
    values_.pop_front();
    return out;
  }
  bool empty() {
    std::lock_guard lock{mutex_};
    return values_.empty();
  }

private:
  std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<T> values_;
};

/// Programs built for the tests, beside the test itself.
inline std::string built(const std::string& name) {
  return std::filesystem::read_symlink("/proc/self/exe").parent_path() / name;
}

/// One agent's launcher on directories of its own. What it started ends with it.
struct machine {
  directories where;
  arrivals<process_event> events;
  std::unique_ptr<process_launcher> launcher;
  messages::result<directories_lock> lock;
  std::vector<std::string> reserved;

  explicit machine(const std::string& root) : where(directories_below(root)), lock(take(where)) {
    REQUIRE(lock);
    start();
  }
  // An instance that cannot be ended ends the tests.
  // NOLINTNEXTLINE(bugprone-exception-escape)
  ~machine() {
    if (!launcher) {
      start();
      (void)launcher->recover();
    }
    for (const auto& id : reserved)
      launcher->kill_all(id);
    for (std::size_t gone = 0; gone < reserved.size();)
      gone += events.next().what == process_event::kind::gone;
  }

  launcher_config config() const {
    auto programs = find_helper_programs();
    REQUIRE(programs);
    launcher_config out;
    out.where = where;
    out.programs = *programs;
    return out;
  }

  void start() {
    launcher = std::make_unique<process_launcher>(
      config(), [this](process_event event) { events.put(std::move(event)); });
  }

  /// Another launcher in this one's place, as when the agent is started again.
  std::vector<found_instance> restart() {
    launcher.reset();
    start();
    auto found = launcher->recover();
    REQUIRE(found);
    return *found;
  }

  grant reserve(const std::string& id, std::uint32_t ports = 0) {
    auto granted = launcher->reserve(id, ports, true);
    REQUIRE_MESSAGE(granted, (granted ? "" : granted.error().message));
    reserved.push_back(id);
    return *granted;
  }

  messages::result<void> unpack(const std::string& id, const std::string& artifact,
                                const std::string& binary, const std::string& url,
                                bool runs_binary = true) {
    arrivals<messages::result<void>> done;
    launcher->unpack({id, artifact, url, binary, runs_binary},
                     [&done](messages::result<void> r) { done.put(std::move(r)); });
    return done.next();
  }

  /// Reserves and lays out the misbehaving program as the instance's `program`.
  grant prepare(const std::string& id, std::uint32_t ports = 0) {
    auto granted = reserve(id, ports);
    auto done = unpack(id, built("misbehaving_program"), "program", "/x/program");
    REQUIRE_MESSAGE(done, (done ? "" : done.error().message));
    return granted;
  }

  static launch_order order(const std::string& id, std::vector<std::string> args) {
    launch_order out;
    out.id = id;
    out.binary = "program";
    out.args = std::move(args);
    return out;
  }

  /// The next event, which is to be of this kind.
  process_event expect(process_event::kind kind) {
    auto event = events.next();
    CHECK_MESSAGE(event.what == kind, event.id, " ", static_cast<int>(event.what), " ",
                  event.problem);
    return event;
  }

  process_event run(const std::string& id, std::vector<std::string> args) {
    launcher->launch(order(id, std::move(args)));
    return expect(process_event::kind::started);
  }

  /// Kills the instance and returns how its program ended, where one ran.
  std::optional<int> kill(const std::string& id) {
    launcher->kill_all(id);
    std::erase(reserved, id);
    auto event = events.next();
    auto exit = event.exit;
    if (event.what == process_event::kind::exited)
      event = events.next();
    CHECK(event.what == process_event::kind::gone);
    return exit;
  }

  /// What the instance's programs have printed.
  std::string output(const std::string& id) const {
    std::string log;
    auto files = files_of_log(where.log, id);
    REQUIRE(files);
    for (const auto& file : *files)
      log += content(file.path);
    return messages::log_text(log);
  }
};

} // namespace deployminator::agent::testing
