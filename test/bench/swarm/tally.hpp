#pragma once

#include "test/bench/swarm/peer.hpp"

#include <cstdint>
#include <functional>
#include <mutex>

namespace deployminator::bench {

/// How an agent stands with the server.
struct standing {
  /// It has said hello.
  bool introduced = false;
  /// Its session is open.
  bool welcome = false;
  /// Besides, it holds what it was last sent and everything it reported is confirmed.
  bool in_sync = false;

  bool operator==(const standing&) const = default;
};

/// How all agents stand, and since when.
struct counts {
  std::uint64_t agents = 0;
  std::uint64_t introduced = 0;
  std::uint64_t welcome = 0;
  std::uint64_t in_sync = 0;
  std::uint64_t sessions_lost = 0;
  /// When the last agent got there; of meaning while all are.
  time_point all_introduced_at;
  time_point all_welcome_at;
  time_point all_in_sync_at;

  bool all_welcome() const {
    return welcome == agents;
  }
  bool all_in_sync() const {
    return in_sync == agents;
  }
};

/// Kept by the agents on their thread, read by others.
class tally {
public:
  void expect(std::uint64_t more_agents);
  void changed(const standing& before, const standing& after);
  void session_lost();

  counts read() const;

  /// Whether it came to this before `until`.
  bool wait_for(const std::function<bool(const counts&)>& wanted, time_point until) const;

private:
  mutable std::mutex mutex_;
  counts counts_;
};

} // namespace deployminator::bench
