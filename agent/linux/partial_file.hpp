#pragma once

#include "agent/linux/artifact_cache.hpp"
#include "agent/linux/sha256.hpp"

#include <cstdint>
#include <optional>
#include <string>

namespace deployminator::agent {

/// The partial file of one download: what came so far, hashed as it comes. It outlives the agent,
/// and beside it stands where its bytes come from, so that another attempt can go on with them.
class partial_file {
public:
  /// `key` names the file in the cache. `cache` must outlive this.
  partial_file(artifact_cache& cache, std::string key, const std::string& url);

  /// The bytes that are there and hashed; after `discard`, those that were.
  [[nodiscard]] std::uint64_t bytes() const {
    return bytes_;
  }
  [[nodiscard]] std::string path() const {
    return cache_.partial_path(key_);
  }
  /// `ETag` or `Last-Modified` of the bytes; may be empty.
  [[nodiscard]] const std::string& validator() const {
    return validator_;
  }
  /// Not all of the bytes were received in one go.
  [[nodiscard]] bool is_patched() const {
    return patched_;
  }
  /// The room on its disk; nothing: it is not known.
  [[nodiscard]] std::optional<std::uint64_t> room() const;

  /// Opens it without a byte.
  messages::result<void> create();

  /// Opens it with what is there of the same source. That is thrown away where nothing will tell
  /// whether the rest belongs to it: no validator, and no hash (`hash_is_known`). False: `rehash`
  /// has to be called first, until it says true.
  messages::result<bool> resume(bool hash_is_known);

  /// Hashes a piece of what is there. True: that was the last.
  messages::result<bool> rehash();

  /// Forgets the bytes that are there.
  messages::result<void> start_over();

  /// More bytes of the same source follow those that are there.
  void go_on();

  /// What follows comes from a source with this validator.
  void come_from(const std::string& validator);

  /// Writes and hashes what came. Where that fails nothing is left of the file: a disk that is full
  /// harms the instances that run, so what cannot be completed is given back.
  messages::result<void> append(const char* data, std::size_t size);

  /// The first bytes, at most `size`.
  [[nodiscard]] std::string head(std::size_t size) const;

  /// The SHA-256 of the bytes; no more follow.
  std::string take_hash();

  /// Makes it the artifact of that hash.
  messages::result<artifact> complete(const std::string& hash);

  /// Removes it; it may be opened again.
  void discard();

private:
  messages::result<void> open();

  artifact_cache& cache_;
  std::string key_;
  /// Of the note about where the bytes come from, before the validator.
  std::string source_;
  owned_fd file_;
  sha256 digest_;
  std::uint64_t bytes_ = 0;
  /// Of which the disk was told.
  std::uint64_t flushed_ = 0;
  /// Its size while it is being hashed again.
  std::uint64_t resumable_ = 0;
  std::string validator_;
  bool patched_ = false;
};

} // namespace deployminator::agent
