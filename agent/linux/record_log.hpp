#pragma once

#include "agent/linux/owned_fd.hpp"
#include "agent/outside.hpp"

#include <cstddef>
#include <map>
#include <string>
#include <string_view>

namespace deployminator::agent {

/// The instances' records in one file, to which each change is appended under a checksum. The last
/// one of an instance counts. What an agent or a machine that died left half written, or a disk has
/// damaged, is passed over: those changes are as if they had never been.
///
/// One file, because a new one for each change is slow on ext4, which passes one by one over inodes
/// that were freed lately (`recently_deleted` in Linux's fs/ext4/ialloc.c).
class record_log {
public:
  using records = std::map<std::string, instance_record>;

  explicit record_log(std::string path);

  /// What the file says; nothing where there is none. Any process may ask while an agent writes.
  messages::result<records> read() const;

  /// Neither waits for the disk, but when the file has become too long and is written anew.
  messages::result<void> save(const instance_record& record);
  messages::result<void> remove(const std::string& id);

private:
  messages::result<void> open();
  messages::result<void> append(const std::string& change);
  [[nodiscard]] bool is_lost() const;
  void shrink();

  std::string path_;
  /// Open once something was written.
  owned_fd file_;
  /// What the file says, and its length.
  records live_;
  std::size_t size_ = 0;
  /// From this length on the file is written anew, without what no longer counts.
  std::size_t too_long_ = most_waste;

  /// How much may lie in the file that no longer counts: this, or three times what does.
  static constexpr std::size_t most_waste = 256 * 1024;
};

} // namespace deployminator::agent
