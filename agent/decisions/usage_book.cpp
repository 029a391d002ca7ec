#include "agent/decisions/usage_book.hpp"

#include <algorithm>

namespace deployminator::agent {

using namespace std::chrono_literals;

namespace {

/// The kernel counts in hundredths of a second, so a share of less than that means little.
constexpr auto shortest = 200ms;
/// What was measured before that says nothing of now.
constexpr auto longest = 10min;

double percent_in(std::chrono::microseconds used, std::chrono::microseconds within) {
  if (within <= 0us)
    return 0;
  // A child that nobody waited for takes what it used along.
  return 100.0 * static_cast<double>(std::max(used, 0us).count())
         / static_cast<double>(within.count());
}

} // namespace

double usage_book::percent_of(const usage_sample& sample, time_point now) {
  auto& last = last_[sample.id];
  bool is_known = last.pid == sample.pid && last.pid != 0;
  if (is_known && now - last.at < shortest)
    return last.percent;
  auto since = std::chrono::duration_cast<std::chrono::microseconds>(now - last.at);
  auto percent = is_known ? percent_in(sample.processor_time - last.processor_time, since)
                          : percent_in(sample.processor_time, sample.age);
  last = {sample.pid, now, sample.processor_time, percent};
  return percent;
}

std::vector<messages::instance_usage> usage_book::enter(const std::vector<usage_sample>& samples,
                                                        time_point now) {
  std::erase_if(last_, [now](const auto& each) { return now - each.second.at > longest; });
  std::vector<messages::instance_usage> out;
  out.reserve(samples.size());
  for (const auto& each : samples)
    out.push_back(
      {each.id, percent_of(each, now), each.memory_bytes, each.threads, each.open_files});
  return out;
}

} // namespace deployminator::agent
