#include "cli/inbox.hpp"

#include <algorithm>
#include <cstdint>
#include <poll.h>
#include <unistd.h>
#include <utility>

namespace deployminator::cli {

inbox::inbox(const interruption& stop) : stop_(stop) {}

void inbox::put(bus::inbound in) {
  {
    std::lock_guard lock{mutex_};
    arrived_.push_back(std::move(in));
  }
  stop_.wake();
}

std::vector<bus::inbound> inbox::take(std::chrono::steady_clock::time_point until) {
  auto arrived = take_all();
  if (!arrived.empty() || stop_.requested())
    return arrived;
  using std::chrono::milliseconds;
  auto left = std::chrono::ceil<milliseconds>(until - std::chrono::steady_clock::now());
  auto wait = std::clamp(left, milliseconds{0}, milliseconds{60'000});
  pollfd watched{stop_.descriptor(), POLLIN, 0};
  if (::poll(&watched, 1, static_cast<int>(wait.count())) > 0) {
    std::uint64_t count = 0;
    // Only resets it; another reader cannot be.
    [[maybe_unused]] auto size = ::read(stop_.descriptor(), &count, sizeof count);
  }
  return take_all();
}

std::vector<bus::inbound> inbox::take_all() {
  std::lock_guard lock{mutex_};
  return std::exchange(arrived_, {});
}

} // namespace deployminator::cli
