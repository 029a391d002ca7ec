#pragma once

#include "agent/linux/artifact_cache.hpp"
#include "agent/linux/curl_downloader.hpp"
#include "agent/linux/progress_meter.hpp"
#include "agent/linux/sha256.hpp"

#include <chrono>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include <curl/curl.h>

namespace deployminator::agent {

/// One artifact on its way, through all its attempts. Belongs to the thread of the downloader.
///
///   waiting ──► rehashing ──► transferring ──► (an outcome)
///      ▲  └────────────► copying ─────────────►
///      └─── broken off, stalled, busy ──┘
class download {
public:
  using moment = std::chrono::steady_clock::time_point;

  struct listener {
    downloader::on_progress progress;
    downloader::on_done done;
  };

  download(const download_config& config, artifact_cache& cache, CURLM* multi,
           download_order order);
  ~download();
  download(const download&) = delete;
  download& operator=(const download&) = delete;

  std::vector<listener> listeners;

  /// Does the next piece of work that is not curl's. An outcome ends the download.
  std::optional<messages::result<artifact>> turn(moment now);

  /// When `turn` wants to be called again; `now` or earlier: at once.
  moment due(moment now) const;

  /// Whether this is the transfer of that handle.
  bool owns(CURL* handle) const {
    return easy_.get() == handle;
  }

  /// The transfer ended. An outcome ends the download.
  std::optional<messages::result<artifact>> transferred(CURLcode code, moment now);

  messages::failure cancelled() const;

private:
  using outcome = std::optional<messages::result<artifact>>;
  enum class stage { waiting, rehashing, copying, transferring };

  struct free_easy {
    void operator()(CURL* easy) const {
      curl_easy_cleanup(easy);
    }
  };
  struct free_list {
    void operator()(curl_slist* list) const {
      curl_slist_free_all(list);
    }
  };

  outcome begin_attempt(moment now);
  outcome begin_copy(const std::string& path, moment now);
  outcome copy_piece(moment now);
  outcome begin_remote(moment now);
  outcome rehash_piece(moment now);
  void begin_transfer(moment now);
  void set_options();
  void end_transfer();
  bool begin_body();
  bool follow_range();
  void learn_total();
  void remember_source();
  std::size_t receive(const char* data, std::size_t size);
  static std::size_t receive_callback(char* data, std::size_t size, std::size_t count, void* self);

  bool keep(const char* data, std::size_t size);
  bool start_over();
  outcome complete(moment now);
  outcome broken_off(messages::failure why, moment now);
  outcome fail(messages::failure why);
  messages::failure failure_of(CURLcode code, long status) const;
  messages::failure status_failure(long status) const;
  messages::failure cannot_fetch(messages::failure_code code, const std::string& why) const;
  std::string header(const char* name) const;
  std::string source_note(const std::string& validator) const;
  void tell(const download_progress& progress);

  const download_config& config_;
  artifact_cache& cache_;
  CURLM* multi_;
  download_order order_;
  std::string shown_url_;

  stage stage_ = stage::waiting;
  moment next_attempt_{};
  int attempts_ = 0;
  /// The file's size when an attempt last brought something new.
  std::uint64_t farthest_ = 0;
  /// Some of the bytes were not received in one go.
  bool resumed_ = false;

  owned_fd file_;
  owned_fd source_;
  sha256 digest_;
  /// In the file, and hashed.
  std::uint64_t bytes_ = 0;
  /// Of which the disk was told.
  std::uint64_t flushed_ = 0;
  /// The size of a partial file that is being hashed again.
  std::uint64_t resumable_ = 0;
  std::optional<std::uint64_t> total_;
  /// `ETag` or `Last-Modified` of the bytes in the file.
  std::string validator_;
  progress_meter meter_;

  std::unique_ptr<CURL, free_easy> easy_;
  std::unique_ptr<curl_slist, free_list> headers_;
  char error_[CURL_ERROR_SIZE] = {};
  bool body_begun_ = false;
  /// Why the transfer was ended from this side.
  std::optional<messages::failure> stopped_by_;
  /// That is worth another attempt.
  bool stopped_for_now_ = false;
};

} // namespace deployminator::agent
