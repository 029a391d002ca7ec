#include "agent/starter/segments.hpp"

#include <cstring>

namespace deployminator::agent::starter {

namespace {

/// How many files share the limit: one of them goes at a time.
constexpr unsigned parts = 8;

} // namespace

std::uint64_t segments::add(std::uint64_t start) {
  auto gone = no_start;
  if (count_ == most) {
    if (start < starts_[0])
      return start;
    gone = starts_[0];
    take_oldest();
  }
  unsigned at = count_++;
  for (; at > 0 && starts_[at - 1] > start; --at)
    starts_[at] = starts_[at - 1];
  starts_[at] = start;
  return gone;
}

bool segments::wants_new(std::uint64_t more) const {
  return is_empty() || (size_ > 0 && size_ + more > limit_ / parts);
}

void segments::begin_next() {
  auto start = next();
  if (count_ == most)
    take_oldest();
  starts_[count_++] = start;
  size_ = 0;
}

std::uint64_t segments::take_surplus(std::uint64_t more) {
  if (count_ < 2 || next() + more - starts_[0] <= limit_)
    return no_start;
  auto out = starts_[0];
  take_oldest();
  return out;
}

void segments::take_oldest() {
  --count_;
  memmove(starts_, starts_ + 1, count_ * sizeof starts_[0]);
}

} // namespace deployminator::agent::starter
