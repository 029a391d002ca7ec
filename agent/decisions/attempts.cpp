#include "agent/decisions/attempts.hpp"

#include <algorithm>

namespace deployminator::agent {

namespace {

/// An attempt that brought so much starts the count anew.
constexpr std::uint64_t worth_mentioning = 1024 * 1024;
constexpr int most_doublings = 10;

} // namespace

void attempts::begin_at(std::uint64_t bytes) {
  farthest_ = bytes;
}

std::chrono::milliseconds attempts::broken_off(std::uint64_t bytes,
                                               std::chrono::milliseconds asked) {
  if (bytes >= farthest_ + worth_mentioning) {
    farthest_ = bytes;
    count_ = 0;
  }
  ++count_;
  auto wait = std::min(backoff_ * (1 << std::min(count_ - 1, most_doublings)), most_wait_);
  return std::max(wait, std::min(asked, most_asked_));
}

} // namespace deployminator::agent
