#pragma once

#include <chrono>
#include <cstdint>

#include <sys/stat.h>

namespace deployminator::agent {

/// What tells a file that was changed or replaced from what it was.
struct file_fingerprint {
  std::uint64_t inode = 0;
  std::uint64_t size = 0;
  std::chrono::nanoseconds modified{0};
  std::chrono::nanoseconds changed{0};

  bool operator==(const file_fingerprint&) const = default;
};

inline std::chrono::nanoseconds since_epoch(const timespec& t) {
  return std::chrono::seconds{t.tv_sec} + std::chrono::nanoseconds{t.tv_nsec};
}

inline file_fingerprint fingerprint_of(const struct stat& info) {
  return {info.st_ino, static_cast<std::uint64_t>(info.st_size), since_epoch(info.st_mtim),
          since_epoch(info.st_ctim)};
}

} // namespace deployminator::agent
