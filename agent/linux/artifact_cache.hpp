#pragma once

#include "agent/linux/file_fingerprint.hpp"
#include "agent/linux/owned_fd.hpp"
#include "agent/outside.hpp"

#include <chrono>
#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>

namespace deployminator::agent {

/// The files DIR/SHA256: each appears when it is whole and right, is marked when it is used, and is
/// evicted when it was not used for the longest time (by its access time, so programs that are run
/// from a link to it count as uses; one that still is takes its room until it ends, too). What is
/// on its way lies in DIR/partial/. For one thread.
class artifact_cache {
public:
  /// `most_bytes`: of the whole files. What was used within `protected_for` stays in any case: it
  /// is likely to be unpacked right now.
  artifact_cache(std::string directory, std::uint64_t most_bytes,
                 std::chrono::seconds protected_for);

  /// The artifact of that hash, if it is there and the file is as it was when its bytes were last
  /// hashed; counts as a use.
  std::optional<artifact> find(const std::string& sha256);

  /// Opens what is there under that hash, to be hashed again; nothing where nothing is.
  owned_fd open_doubtful(const std::string& sha256) const;

  /// The file that is open as `fd` and lies there under that hash was hashed again: it has it.
  void trust(const std::string& sha256, int fd);

  /// Removes what is there under that hash.
  void remove(const std::string& sha256);

  std::string partial_path(const std::string& key) const;

  /// Opens, or creates, the partial file of a key.
  messages::result<owned_fd> open_partial(const std::string& key) const;

  /// What is known about the bytes in the partial file of a key, as `save_note` wrote it.
  std::string note(const std::string& key) const;
  messages::result<void> save_note(const std::string& key, const std::string& note) const;

  void remove_partial(const std::string& key) const;

  /// Removes the partial files of all other keys, with what else is left beside them.
  void remove_partials_but(const std::set<std::string>& keys) const;

  /// Makes the partial file of a key, open as `fd`, the artifact of that hash. It is on disk when
  /// this returns.
  messages::result<artifact> complete(const std::string& key, int fd, const std::string& sha256);

private:
  std::string note_path(const std::string& key) const;
  void evict();

  std::string directory_;
  std::uint64_t most_bytes_;
  std::chrono::seconds protected_for_;
  /// By hash: the files as they were when they were hashed, by this process.
  std::map<std::string, file_fingerprint> verified_;
};

} // namespace deployminator::agent
