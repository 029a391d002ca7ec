#include "agent/linux/watch_loop.hpp"

#include <array>
#include <cerrno>
#include <csignal>
#include <pthread.h>
#include <system_error>

#include <sys/epoll.h>
#include <sys/eventfd.h>

namespace deployminator::agent {

namespace {

int checked(int result, const char* what) {
  if (result < 0)
    throw std::system_error{errno, std::system_category(), what};
  return result;
}

void block_signals() {
  sigset_t all;
  sigfillset(&all);
  pthread_sigmask(SIG_SETMASK, &all, nullptr);
}

} // namespace

watch_loop::watch_loop()
  : epoll_(checked(epoll_create1(EPOLL_CLOEXEC), "epoll_create1")),
    wake_(checked(eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK), "eventfd")) {
  epoll_event event{};
  event.events = EPOLLIN;
  event.data.fd = wake_.get();
  checked(epoll_ctl(epoll_.get(), EPOLL_CTL_ADD, wake_.get(), &event), "epoll_ctl");
  thread_ = std::thread{[this] { run(); }};
}

watch_loop::~watch_loop() {
  post([this] { ending_ = true; });
  thread_.join();
}

void watch_loop::post(std::function<void()> work) {
  {
    std::lock_guard lock{mutex_};
    posted_.push_back(std::move(work));
  }
  eventfd_write(wake_.get(), 1);
}

void watch_loop::watch(int fd, std::function<void()> ready) {
  watched_[fd] = std::move(ready);
  epoll_event event{};
  event.events = EPOLLIN;
  event.data.fd = fd;
  checked(epoll_ctl(epoll_.get(), EPOLL_CTL_ADD, fd, &event), "epoll_ctl");
}

void watch_loop::forget(int fd) {
  epoll_ctl(epoll_.get(), EPOLL_CTL_DEL, fd, nullptr);
  watched_.erase(fd);
}

void watch_loop::run_posted() {
  eventfd_t count = 0;
  eventfd_read(wake_.get(), &count);
  std::vector<std::function<void()>> work;
  {
    std::lock_guard lock{mutex_};
    work.swap(posted_);
  }
  for (auto& w : work)
    w();
}

void watch_loop::run() {
  block_signals();
  std::array<epoll_event, 64> events;
  while (!ending_) {
    int count = epoll_wait(epoll_.get(), events.data(), static_cast<int>(events.size()), -1);
    for (int n = 0; n < count; ++n) {
      int fd = events[static_cast<std::size_t>(n)].data.fd;
      if (fd == wake_.get()) {
        run_posted();
        continue;
      }
      // A handler that ran before may have ended this one's watch; the copy outlives its own end.
      if (auto found = watched_.find(fd); found != watched_.end()) {
        auto ready = found->second;
        ready();
      }
    }
  }
}

} // namespace deployminator::agent
