#include "agent/linux/progress_meter.hpp"

#include <algorithm>
#include <cmath>

namespace deployminator::agent {

std::optional<download_progress> progress_meter::see(moment now, std::uint64_t bytes,
                                                     std::optional<std::uint64_t> total) {
  if (told_ && now < due())
    return std::nullopt;
  measure(now, bytes);
  told_ = now;
  return download_progress{bytes, total, rate_, {}};
}

download_progress progress_meter::finish(moment now, std::uint64_t bytes) {
  measure(now, bytes);
  return {bytes, bytes, rate_, {}};
}

void progress_meter::jump(moment now, std::uint64_t bytes) {
  measured_ = now;
  bytes_ = bytes;
}

void progress_meter::measure(moment now, std::uint64_t bytes) {
  constexpr double smoothing_seconds = 3;
  auto seconds = measured_ ? std::chrono::duration<double>(now - *measured_).count() : 0.0;
  if (seconds > 0 && bytes >= bytes_) {
    auto current = static_cast<double>(bytes - bytes_) / seconds;
    age_ += seconds;
    auto weight = std::max(1 - std::exp(-seconds / smoothing_seconds), seconds / age_);
    rate_ += (current - rate_) * weight;
  }
  measured_ = now;
  bytes_ = bytes;
}

} // namespace deployminator::agent
