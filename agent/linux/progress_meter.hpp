#pragma once

#include "agent/outside.hpp"

#include <chrono>
#include <cstdint>
#include <optional>

namespace deployminator::agent {

/// When to tell the progress of one download, and at which rate it goes. Told are the first state,
/// then at most one each `every`.
class progress_meter {
public:
  using moment = std::chrono::steady_clock::time_point;

  explicit progress_meter(std::chrono::milliseconds every) : every_(every) {}

  /// The state is `bytes` of `total`; what is to be told now, if anything.
  std::optional<download_progress> see(moment now, std::uint64_t bytes,
                                       std::optional<std::uint64_t> total);

  /// The last state, told in any case.
  download_progress finish(moment now, std::uint64_t bytes);

  /// Bytes appear or vanish that were not received now: a resumed or discarded partial file.
  void jump(moment now, std::uint64_t bytes);

  /// When `see` has something to tell next.
  moment due() const {
    return told_ ? *told_ + every_ : moment{};
  }

private:
  void measure(moment now, std::uint64_t bytes);

  std::chrono::milliseconds every_;
  std::optional<moment> told_;
  /// The last state that was seen, from which the rate is measured on.
  std::optional<moment> measured_;
  std::uint64_t bytes_ = 0;
  /// Smoothed over a few seconds; as long as it is young, the mean since the beginning.
  double rate_ = 0;
  double age_ = 0;
};

} // namespace deployminator::agent
