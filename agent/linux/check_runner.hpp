#pragma once

#include "agent/linux/child_process.hpp"
#include "agent/linux/owned_fd.hpp"
#include "agent/linux/watch_loop.hpp"
#include "agent/outside.hpp"

#include <chrono>
#include <functional>
#include <map>
#include <string>

namespace deployminator::agent {

/// The programs that check the health of instances, while they run (agent/starter/check.hpp).
/// Everything on the thread of the loop.
class check_runner {
public:
  using on_checked = health_checker::on_checked;
  using spawner = std::function<messages::result<child_process>(int result)>;

  explicit check_runner(watch_loop& loop) : loop_(loop) {}

  /// Spawns one, which is given the descriptor that it writes its result to. `name`: of the check,
  /// for people.
  void start(const std::string& name, std::chrono::milliseconds timeout, const spawner& spawn,
             on_checked done);

  /// Ends those that are far beyond their time, such as one that somebody has stopped.
  void keep_house();

  /// Ends all.
  void stop();

private:
  struct run {
    std::string name;
    std::chrono::milliseconds timeout{0};
    std::chrono::steady_clock::time_point overdue;
    child_process process;
    owned_fd result;
    std::string text;
    on_checked done;
  };

  void read_result(int fd);
  void finish(int fd);

  watch_loop& loop_;
  /// By their result's descriptor.
  std::map<int, run> runs_;
};

/// What a check wrote, in words. Any bytes are taken for something.
health_outcome outcome_of_check(const std::string& name, const std::string& written,
                                std::chrono::milliseconds timeout);

} // namespace deployminator::agent
