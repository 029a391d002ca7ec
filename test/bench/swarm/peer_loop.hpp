#pragma once

#include "test/bench/swarm/peer.hpp"

#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <queue>
#include <thread>
#include <utility>
#include <vector>

namespace deployminator::bench {

/// A thread that plays peers.
class peer_loop {
public:
  /// `port`: the server's, on 127.0.0.1.
  explicit peer_loop(std::uint16_t port);
  /// Ends the thread and drops the connections.
  ~peer_loop();
  peer_loop(const peer_loop&) = delete;
  peer_loop& operator=(const peer_loop&) = delete;

  /// They begin with their hello.
  void add(std::vector<std::unique_ptr<peer>> newcomers);

  /// Has `work` done by the thread, which alone may touch its peers.
  void post(std::function<void()> work);

  /// While frozen the peers neither send nor hear anything, as on machines that hang.
  void freeze(bool frozen);

private:
  struct slot {
    std::unique_ptr<peer> who;
    /// The earliest timer that is set for it.
    time_point armed = time_point::max();
  };
  using timer = std::pair<time_point, std::size_t>;

  void run();
  void wait_and_work();
  void carry_out_posted();
  void wake_due(time_point now);
  void arm(std::size_t index);
  int timeout() const;

  std::uint16_t port_;
  int epoll_;
  int woken_;
  phrasebook book_;
  std::deque<slot> slots_;
  std::priority_queue<timer, std::vector<timer>, std::greater<>> timers_;
  bool frozen_ = false;
  bool over_ = false;
  std::mutex mutex_;
  std::vector<std::function<void()>> posted_;
  std::thread thread_;
};

} // namespace deployminator::bench
