#pragma once

#include <unistd.h>
#include <utility>

namespace deployminator::agent {

/// A file descriptor that is closed with its owner.
class owned_fd {
public:
  owned_fd() = default;
  explicit owned_fd(int fd) : fd_(fd) {}
  owned_fd(owned_fd&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
  owned_fd& operator=(owned_fd&& other) noexcept {
    std::swap(fd_, other.fd_);
    return *this;
  }
  ~owned_fd() {
    reset();
  }

  /// Whether there is one.
  explicit operator bool() const {
    return fd_ >= 0;
  }
  int get() const {
    return fd_;
  }
  /// Nobody closes it any more; who calls this does.
  int release() {
    return std::exchange(fd_, -1);
  }
  void reset() {
    if (fd_ >= 0)
      close(std::exchange(fd_, -1));
  }

private:
  int fd_ = -1;
};

} // namespace deployminator::agent
