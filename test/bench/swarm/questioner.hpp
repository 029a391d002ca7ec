#pragma once

#include "test/bench/swarm/peer_loop.hpp"

#include <atomic>
#include <cstdint>

namespace deployminator::bench {

/// Asks `status` every 100 ms, or when the answer is there if that takes longer. Has a thread of
/// its own, so that it waits for the server alone.
class questioner {
public:
  /// Begins at once.
  explicit questioner(std::uint16_t server_port);

  /// The longest time to an answer, the question that still waits included.
  double worst_answer_seconds() const;
  std::uint64_t answers() const;

  /// What its peer writes; times are of the steady clock.
  struct record {
    std::atomic<std::uint64_t> answers = 0;
    std::atomic<time_point> asked_at = time_point::max();
    std::atomic<double> worst = 0;
  };

private:
  record record_;
  peer_loop loop_;
};

} // namespace deployminator::bench
