#pragma once

#include "agent/linux/owned_fd.hpp"

#include <cstdint>
#include <functional>
#include <future>
#include <map>
#include <mutex>
#include <thread>
#include <type_traits>
#include <utility>
#include <vector>

namespace deployminator::agent {

/// One thread that waits for descriptors and runs what it is given, in order. What only its
/// functions touch needs no lock.
class watch_loop {
public:
  watch_loop();
  /// Runs what was posted before, then ends the thread.
  ~watch_loop();

  watch_loop(const watch_loop&) = delete;
  watch_loop& operator=(const watch_loop&) = delete;

  /// Runs `work` on the loop's thread, soon. From any thread.
  void post(std::function<void()> work);

  /// Runs `work` on the loop's thread and returns what it returns. From any thread.
  template <class Work>
  std::invoke_result_t<Work&> call(Work work) {
    if (std::this_thread::get_id() == thread_.get_id())
      return work();
    std::packaged_task<std::invoke_result_t<Work&>()> task{std::move(work)};
    auto answer = task.get_future();
    post([&task] { task(); });
    return answer.get();
  }

  /// Calls `ready` whenever `fd` can be read or its other end is closed. On the loop's thread.
  void watch(int fd, std::function<void()> ready);

  /// Ends that. On the loop's thread, before `fd` is closed.
  void forget(int fd);

private:
  void run();
  void run_posted();

  owned_fd epoll_;
  owned_fd wake_;
  std::map<int, std::function<void()>> watched_;
  std::mutex mutex_;
  std::vector<std::function<void()>> posted_;
  bool ending_ = false;
  std::thread thread_;
};

} // namespace deployminator::agent
