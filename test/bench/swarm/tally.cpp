#include "test/bench/swarm/tally.hpp"

#include <thread>

namespace deployminator::bench {

namespace {

constexpr std::chrono::milliseconds look_interval{2};

void count(std::uint64_t& total, bool before, bool after, time_point& since, time_point now) {
  if (before == after)
    return;
  total += after ? 1U : ~std::uint64_t{0};
  if (after)
    since = now;
}

} // namespace

void tally::expect(std::uint64_t more_agents) {
  std::lock_guard guard{mutex_};
  counts_.agents += more_agents;
}

void tally::changed(const standing& before, const standing& after) {
  if (before == after)
    return;
  auto now = std::chrono::steady_clock::now();
  std::lock_guard guard{mutex_};
  auto& c = counts_;
  count(c.introduced, before.introduced, after.introduced, c.all_introduced_at, now);
  count(c.welcome, before.welcome, after.welcome, c.all_welcome_at, now);
  count(c.in_sync, before.in_sync, after.in_sync, c.all_in_sync_at, now);
}

void tally::session_lost() {
  std::lock_guard guard{mutex_};
  ++counts_.sessions_lost;
}

counts tally::read() const {
  std::lock_guard guard{mutex_};
  return counts_;
}

bool tally::wait_for(const std::function<bool(const counts&)>& wanted, time_point until) const {
  while (!wanted(read())) {
    if (std::chrono::steady_clock::now() >= until)
      return false;
    std::this_thread::sleep_for(look_interval);
  }
  return true;
}

} // namespace deployminator::bench
