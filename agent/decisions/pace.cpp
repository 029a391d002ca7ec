#include "agent/decisions/pace.hpp"

#include <algorithm>

namespace deployminator::agent {

void pace::look(moment now, std::uint64_t bytes) {
  auto most = std::max(bytes, marks_.empty() ? begin_ : marks_.back().bytes);
  marks_.push_back({now, most});
  if (!first_look_)
    first_look_ = now;
  while (marks_.size() > 2 && marks_[1].at <= now - stuck_after)
    marks_.pop_front();
}

transfer_speed pace::speed() const {
  if (is_below(least, slow_after))
    return transfer_speed::dripping;
  return is_below(brisk, slow_after) ? transfer_speed::slow : transfer_speed::brisk;
}

bool pace::is_stuck() const {
  bool came_nothing = first_look_ && marks_.back().bytes == begin_
                      && marks_.back().at - *first_look_ >= silent_after;
  return came_nothing || is_below(least, stuck_after);
}

bool pace::is_below(std::uint64_t rate, std::chrono::seconds time) const {
  if (!first_look_ || marks_.back().at - *first_look_ < time)
    return false;
  auto after = std::find_if(marks_.begin(), marks_.end(),
                            [&](const mark& each) { return each.at > marks_.back().at - time; });
  // The last look before the time began.
  const auto& begin = *std::prev(after);
  return marks_.back().bytes - begin.bytes < rate * static_cast<std::uint64_t>(time.count());
}

} // namespace deployminator::agent
