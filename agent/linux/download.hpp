#pragma once

#include "agent/decisions/attempts.hpp"
#include "agent/linux/artifact_cache.hpp"
#include "agent/linux/download_config.hpp"
#include "agent/linux/partial_file.hpp"
#include "agent/linux/progress_meter.hpp"
#include "agent/linux/transfer.hpp"

#include <chrono>
#include <optional>
#include <string>
#include <vector>

namespace deployminator::agent {

/// One artifact on its way, through all its attempts. Belongs to the thread of the downloader.
///
///   waiting ──► rehashing ──► transferring ──► (an outcome)
///    │ ▲ ▲└────────────► copying ─────────────►
///    ▼ │ └─── broken off, stalled, busy ──┘
///   verifying
class download {
public:
  using moment = std::chrono::steady_clock::time_point;

  struct listener {
    downloader::on_progress progress;
    downloader::on_done done;
  };

  download(const download_config& config, artifact_cache& cache, CURLM* multi,
           download_order order);
  download(const download&) = delete;
  download& operator=(const download&) = delete;

  std::vector<listener> listeners;

  /// Does the next piece of work that is not curl's. An outcome ends the download.
  std::optional<messages::result<artifact>> turn(moment now);

  /// When `turn` wants to be called again; `now` or earlier: at once.
  moment due(moment now) const;

  /// Whether this is the transfer of that handle.
  bool owns(const CURL* handle) const {
    return transfer_ && transfer_->owns(handle);
  }

  /// The transfer ended. An outcome ends the download.
  std::optional<messages::result<artifact>> transferred(CURLcode code, moment now);

  messages::failure cancelled() const;

private:
  using outcome = std::optional<messages::result<artifact>>;
  enum class stage { waiting, verifying, rehashing, copying, transferring };

  outcome begin_attempt(moment now);
  void verify_piece();
  [[nodiscard]] std::optional<messages::failure> defect() const;
  void broken_off(const messages::failure& why, moment now, std::chrono::seconds asked = {});
  outcome complete(moment now);
  messages::failure refuse(messages::failure_code code, const std::string& why) const;
  void tell(download_progress progress);

  outcome begin_copy(const std::string& path, moment now);
  outcome copy_piece(moment now);
  messages::result<void> keep(const char* data, std::size_t size);

  outcome begin_remote(moment now);
  outcome rehash_piece(moment now);
  void begin_transfer(moment now);
  bool receive(const char* data, std::size_t size);
  bool begin_body();
  messages::result<void> find_place();
  messages::result<void> follow_range();
  messages::failure is_another_file(const std::string& why);
  messages::result<void> find_room() const;

  const download_config& config_;
  artifact_cache& cache_;
  CURLM* multi_;
  download_order order_;
  std::string shown_url_;

  stage stage_ = stage::waiting;
  moment next_attempt_{};
  attempts attempts_;
  partial_file file_;
  std::optional<std::uint64_t> total_;
  progress_meter meter_;
  /// How the last attempt ended, while none has brought anything since.
  std::string problem_;
  /// The proxy that the last transfer went through.
  std::string proxy_;

  /// The file of this machine that is copied, or the cache's that is verified.
  owned_fd source_;
  sha256 verified_;
  std::optional<transfer> transfer_;
  bool body_begun_ = false;
  /// Why the transfer was ended from this side.
  std::optional<messages::failure> stopped_by_;
  /// That is worth another attempt.
  bool stopped_for_now_ = false;
};

} // namespace deployminator::agent
