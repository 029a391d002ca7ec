#pragma once

#include "agent/linux/artifact_cache.hpp"
#include "agent/linux/download_config.hpp"
#include "agent/outside.hpp"

#include <chrono>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <set>
#include <string>
#include <thread>
#include <vector>

namespace deployminator::agent {

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
  void keep_partial(std::set<std::string> keys) override;

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
  /// Of the partial files; nothing: it is not known which may be wanted again.
  std::optional<std::set<std::string>> kept_;
  bool ending_ = false;
  std::thread thread_;
};

} // namespace deployminator::agent
