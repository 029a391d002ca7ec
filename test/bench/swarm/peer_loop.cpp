#include "test/bench/swarm/peer_loop.hpp"

#include <algorithm>
#include <array>
#include <unistd.h>

#include <sys/epoll.h>
#include <sys/eventfd.h>

namespace deployminator::bench {

namespace {

constexpr std::uint64_t tag_of_posts = ~std::uint64_t{0};
/// So that timers get their turn while very much arrives.
constexpr int events_at_once = 256;

} // namespace

peer_loop::peer_loop(std::uint16_t port)
  : port_(port), epoll_(epoll_create1(EPOLL_CLOEXEC)),
    woken_(eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)) {
  epoll_event wanted{EPOLLIN, {.u64 = tag_of_posts}};
  epoll_ctl(epoll_, EPOLL_CTL_ADD, woken_, &wanted);
  thread_ = std::thread{[this] { run(); }};
}

peer_loop::~peer_loop() {
  post([this] { over_ = true; });
  thread_.join();
  slots_.clear();
  ::close(woken_);
  ::close(epoll_);
}

void peer_loop::add(std::vector<std::unique_ptr<peer>> newcomers) {
  auto shared = std::make_shared<std::vector<std::unique_ptr<peer>>>(std::move(newcomers));
  post([this, shared] {
    for (auto& each : *shared) {
      slots_.push_back({std::move(each)});
      auto index = slots_.size() - 1;
      slots_[index].who->enter(epoll_, index, port_, book_);
      slots_[index].who->wake(std::chrono::steady_clock::now());
      arm(index);
    }
  });
}

void peer_loop::post(std::function<void()> work) {
  {
    std::lock_guard guard{mutex_};
    posted_.push_back(std::move(work));
  }
  eventfd_write(woken_, 1);
}

void peer_loop::freeze(bool frozen) {
  post([this, frozen] { frozen_ = frozen; });
}

void peer_loop::run() {
  while (!over_) {
    if (frozen_) {
      std::this_thread::sleep_for(std::chrono::milliseconds{20});
      carry_out_posted();
    } else {
      wait_and_work();
    }
  }
}

void peer_loop::wait_and_work() {
  std::array<epoll_event, events_at_once> events;
  int count = epoll_wait(epoll_, events.data(), events_at_once, timeout());
  auto now = std::chrono::steady_clock::now();
  for (int i = 0; i < count; ++i) {
    const auto& each = events[static_cast<std::size_t>(i)];
    if (each.data.u64 == tag_of_posts) {
      carry_out_posted();
      continue;
    }
    slots_[each.data.u64].who->work(now, each.events);
    arm(each.data.u64);
  }
  wake_due(std::chrono::steady_clock::now());
}

void peer_loop::carry_out_posted() {
  eventfd_t ignored = 0;
  eventfd_read(woken_, &ignored);
  std::vector<std::function<void()>> works;
  {
    std::lock_guard guard{mutex_};
    works.swap(posted_);
  }
  for (auto& each : works)
    each();
}

void peer_loop::wake_due(time_point now) {
  while (!timers_.empty() && timers_.top().first <= now) {
    auto [at, index] = timers_.top();
    timers_.pop();
    auto& each = slots_[index];
    // An earlier one was set since, and has rung.
    if (each.armed != at)
      continue;
    each.armed = time_point::max();
    if (each.who->next_wake() <= now)
      each.who->wake(now);
    arm(index);
  }
}

void peer_loop::arm(std::size_t index) {
  auto& each = slots_[index];
  auto next = each.who->next_wake();
  if (next >= each.armed)
    return;
  each.armed = next;
  timers_.emplace(next, index);
}

int peer_loop::timeout() const {
  using std::chrono::milliseconds;
  if (timers_.empty())
    return -1;
  auto left
    = std::chrono::ceil<milliseconds>(timers_.top().first - std::chrono::steady_clock::now());
  return static_cast<int>(std::clamp(left, milliseconds{0}, milliseconds{1000}).count());
}

} // namespace deployminator::bench
