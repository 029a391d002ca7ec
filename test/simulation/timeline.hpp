#pragma once

#include "messages/timestamp.hpp"

#include <chrono>
#include <cstdint>
#include <functional>
#include <queue>
#include <string>
#include <string_view>
#include <vector>

namespace deployminator::simulation {

using namespace std::chrono_literals;

/// Virtual time since the simulation began.
using moment = std::chrono::nanoseconds;

/// `12.345678`, in seconds.
std::string to_text(moment t);

/// What a clock that never jumps shows then: well above zero, for some take zero for "never".
std::chrono::steady_clock::time_point steady_at(moment t);
/// The reverse; 0 for what is earlier than that.
moment moment_of(std::chrono::steady_clock::time_point t);

/// What a clock that tells UTC shows then; it is wrong by `error`.
messages::timestamp utc_at(moment t, moment error);

/// What happens when: one queue for all of the farm.
class timeline {
public:
  [[nodiscard]] moment now() const {
    return now_;
  }

  /// Things due at the same time happen in the order in which they were entered.
  void at(moment when, std::function<void()> what);
  void after(moment wait, std::function<void()> what);

  /// Lets the next thing happen; false when there is none until then, which is now.
  bool step(moment until);

private:
  struct entry {
    moment when;
    std::uint64_t number;
    std::function<void()> what;
  };
  struct later {
    bool operator()(const entry& a, const entry& b) const {
      return a.when != b.when ? a.when > b.when : a.number > b.number;
    }
  };
  std::priority_queue<entry, std::vector<entry>, later> queue_;
  std::uint64_t entered_ = 0;
  moment now_{0};
};

/// Random numbers that depend on a seed and a purpose alone, so that what one part of the farm
/// draws changes nothing for the others. SplitMix64, https://prng.di.unimi.it/splitmix64.c
class dice {
public:
  dice(std::uint64_t seed, std::string_view purpose);

  std::uint64_t next();
  /// Less than `limit`, which is not 0.
  std::uint64_t below(std::uint64_t limit);
  /// In [0, 1).
  double unit();
  bool chance(double probability);
  /// In [from, to).
  moment between(moment from, moment to);

private:
  std::uint64_t state_;
};

} // namespace deployminator::simulation
