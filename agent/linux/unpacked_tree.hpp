#pragma once

#include "agent/linux/file_fingerprint.hpp"
#include "messages/result.hpp"

#include <atomic>
#include <cstdint>
#include <memory>
#include <mutex>
#include <string>
#include <unordered_map>

namespace deployminator::agent {

/// An artifact that was unpacked once, from which several instances get what is theirs. Nobody but
/// the agent gets to its directory.
///
/// As root, compiled programs that may be executed become root's: all instances have the same file,
/// which they cannot write to, change or give away. Everything else each has as its own, as a clone
/// where the file system can do that, else as a copy.
class unpacked_tree {
public:
  /// What lies at `path` by now.
  static messages::result<std::unique_ptr<unpacked_tree>> of(std::string path, bool is_root);

  [[nodiscard]] const std::string& path() const {
    return path_;
  }

  /// Fills `target`, an empty directory that only the agent gets to, and gives it to the user.
  /// `mismatch` where the tree is not what it was any more. From any thread, also at once.
  messages::result<void> copy_to(const std::string& target, std::int64_t uid,
                                 const std::atomic<bool>& cancelled);

  /// Gives the tree itself to the user, in place of the empty directory `target`; nobody can have a
  /// copy after that.
  messages::result<void> move_to(const std::string& target, std::int64_t uid);

private:
  struct known_file {
    file_fingerprint print;
    /// All instances have this file itself.
    bool is_shared = false;
  };
  class copier;

  unpacked_tree(std::string path, bool is_root) : path_(std::move(path)), is_root_(is_root) {}

  bool note(int dir);
  bool note_file(int dir, const std::string& name, const struct stat& info);
  bool give(int dir, std::uint32_t uid);

  std::string path_;
  bool is_root_;
  /// By inode. A link more or less to a shared file changes that, too; those are under the lock.
  std::unordered_map<std::uint64_t, known_file> known_;
  std::mutex linking_;
};

} // namespace deployminator::agent
