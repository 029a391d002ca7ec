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
  /// Users and passwords of hosts, where an order has none; curl's own default where there is no
  /// such file.
  std::string netrc;
  /// The largest artifact.
  std::uint64_t most_bytes = std::uint64_t{20} << 30;
  /// The wait between attempts that brought nothing new doubles from `backoff` to `most_wait`.
  std::chrono::milliseconds backoff{500};
  std::chrono::milliseconds most_wait{30'000};
  /// What a server's `Retry-After` is heeded up to.
  std::chrono::milliseconds most_asked{120'000};
  std::chrono::seconds connect_timeout{10};
  /// Nothing came for so long: a new attempt.
  std::chrono::seconds stall{30};
  std::chrono::milliseconds progress_every{500};
};

} // namespace deployminator::agent
