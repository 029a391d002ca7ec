#pragma once

#include "agent/linux/owned_fd.hpp"
#include "agent/outside.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace deployminator::agent {

/// One of the files of a log.
struct log_file {
  std::string path;
  /// How many bytes of the log came before it.
  std::uint64_t start = 0;
  std::uint64_t size = 0;

  [[nodiscard]] std::uint64_t end() const {
    return start + size;
  }
};

/// Reads the logs of instances. DIR/ID.log is a directory of files, each named by the number of
/// bytes that were written before it (agent/starter/segment_name.hpp), so an offset means the same
/// for ever. Of an instance that is gone DIR/ID.end tells what it was.
///
/// A program that a starter of an earlier release runs appends to DIR/ID.log itself, a plain file.
class log_files : public log_reader {
public:
  explicit log_files(std::string directory);

  messages::result<log_piece> read(const std::string& id, std::uint64_t offset,
                                   std::size_t limit) override;
  messages::result<std::uint64_t> offset_of_last_lines(const std::string& id,
                                                       std::uint32_t lines) override;
  messages::result<std::uint64_t> offset_since(const std::string& id,
                                               messages::timestamp time) override;
  messages::result<kept_logs> find(const messages::find_logs& wanted) override;

private:
  [[nodiscard]] messages::result<log_piece> try_to_read(const std::string& id, std::uint64_t offset,
                                                        std::size_t limit) const;

  std::string directory_;
};

/// The files of a log, the oldest first; none where there is no log.
messages::result<std::vector<log_file>> files_of_log(const std::string& directory,
                                                     const std::string& id);

/// Notes that the instance is gone.
messages::result<void> note_end(const std::string& directory, const messages::kept_log& last);

/// It is to run again.
void forget_end(const std::string& directory, const std::string& id);

/// What was noted of an instance that is gone.
std::optional<messages::kept_log> end_of(const std::string& directory, const std::string& id);

/// Appends a line of the agent's own to a log that no starter writes any more, unless that is what
/// it ends with.
void add_to_log(const std::string& directory, const std::string& id, messages::timestamp now,
                const std::string& text);

/// Frees the disk space of the oldest output when a plain file takes more than `most` bytes of
/// disk, so that half of that is kept. Where the file system cannot do that, it stays as it is.
void bound_log(const std::string& path, std::uint64_t most);

} // namespace deployminator::agent
