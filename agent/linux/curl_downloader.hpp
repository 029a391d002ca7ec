#pragma once

#include "agent/linux/artifact_cache.hpp"
#include "agent/outside.hpp"

#include <atomic>
#include <chrono>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

namespace deployminator::agent {

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

class download;

/// The downloader: one thread, which runs all transfers side by side, hashes and writes what comes
/// and calls all callbacks.
class curl_downloader : public downloader {
public:
  explicit curl_downloader(download_config config);
  /// Ends what is on its way, as `cancel` does.
  ~curl_downloader() override;

  void start(const download_order& order, on_progress progress, on_done done) override;
  void cancel(const std::string& key) override;

private:
  void post(std::function<void()> work);
  void run();
  void run_posted();
  void begin(const download_order& order, on_progress progress, on_done done);
  void finish(const std::string& key, messages::result<artifact> outcome);
  void collect_transfers();
  /// One turn of every download; how long the thread may sleep.
  std::chrono::milliseconds turn();

  download_config config_;
  artifact_cache cache_;
  void* multi_;
  std::map<std::string, std::unique_ptr<download>> downloads_;
  std::mutex mutex_;
  std::vector<std::function<void()>> posted_;
  bool ending_ = false;
  std::thread thread_;
};

} // namespace deployminator::agent
