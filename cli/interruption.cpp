#include "cli/interruption.hpp"

#include <atomic>
#include <cerrno>
#include <csignal>
#include <cstdint>
#include <system_error>
#include <unistd.h>

#include <sys/eventfd.h>

namespace deployminator::cli {

namespace {

// A signal handler reaches nothing but globals.
std::atomic<bool> asked_to_stop{false};
std::atomic<int> wake_descriptor{-1};

void wake_through(int descriptor) {
  std::uint64_t one = 1;
  // A full eventfd is readable already, and there is nobody to tell of another failure.
  [[maybe_unused]] auto written = ::write(descriptor, &one, sizeof one);
}

void on_signal(int) {
  auto kept = errno;
  asked_to_stop = true;
  wake_through(wake_descriptor);
  errno = kept;
}

void handle(void (*handler)(int)) {
  struct sigaction action {};
  action.sa_handler = handler;
  // The second Ctrl-C ends the process at once.
  action.sa_flags = SA_RESTART | static_cast<int>(SA_RESETHAND);
  sigaction(SIGINT, &action, nullptr);
  sigaction(SIGTERM, &action, nullptr);
}

} // namespace

interruption::interruption() : descriptor_(eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)) {
  if (descriptor_ < 0)
    throw std::system_error(errno, std::generic_category(), "eventfd");
  asked_to_stop = false;
  wake_descriptor = descriptor_;
  handle(on_signal);
}

interruption::~interruption() {
  handle(SIG_DFL);
  wake_descriptor = -1;
  ::close(descriptor_);
}

bool interruption::requested() const {
  return asked_to_stop;
}

int interruption::descriptor() const {
  return descriptor_;
}

void interruption::wake() const {
  wake_through(descriptor_);
}

} // namespace deployminator::cli
