#pragma once

#include "agent/outside.hpp"

#include <chrono>
#include <map>
#include <string>
#include <vector>

namespace deployminator::agent {

/// Makes shares of a processor of what was measured at two times. A plain value.
class usage_book {
public:
  using time_point = std::chrono::steady_clock::time_point;

  /// What was measured now, with the share of a processor since it was measured last.
  std::vector<messages::instance_usage> enter(const std::vector<usage_sample>& samples,
                                              time_point now);

private:
  struct entry {
    std::int64_t pid = 0;
    time_point at;
    std::chrono::microseconds processor_time{0};
    double percent = 0;
  };

  double percent_of(const usage_sample& sample, time_point now);

  std::map<std::string, entry> last_;
};

} // namespace deployminator::agent
