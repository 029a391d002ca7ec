#pragma once

#include <chrono>
#include <cstdint>
#include <string>

namespace deployminator::agent {

/// How the downloader works.
struct download_config {
  /// The cache's directory.
  std::string cache;
  std::uint64_t most_cached = std::uint64_t{10} << 30;
  std::chrono::seconds protected_for{600};
  /// The largest artifact.
  std::uint64_t most_bytes = std::uint64_t{20} << 30;
  /// Attempts that brought nothing new; the wait between them doubles from `backoff`.
  int attempts = 5;
  std::chrono::milliseconds backoff{500};
  std::chrono::seconds connect_timeout{10};
  /// Nothing came for so long: a new attempt.
  std::chrono::seconds stall{30};
  std::chrono::milliseconds progress_every{500};
};

} // namespace deployminator::agent
