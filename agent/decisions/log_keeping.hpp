#pragma once

#include "messages/timestamp.hpp"

#include <chrono>
#include <cstdint>
#include <string>
#include <vector>

namespace deployminator::agent {

/// What the logs of a machine's instances may take.
struct log_limits {
  /// Of one instance, in bytes; its starter sees to that.
  std::uint64_t of_one = std::uint64_t{64} << 20;
  /// Of all, in bytes.
  std::uint64_t of_all = std::uint64_t{1} << 30;
  /// How long the log of an instance stays that is gone.
  std::chrono::seconds after_end = std::chrono::hours{24 * 7};
};

/// A file of a log, as far as it matters for what goes first.
struct stored_log_file {
  std::string path;
  std::uint64_t bytes = 0;
  messages::timestamp written;
};

/// The log of an instance.
struct stored_log {
  std::string id;
  bool is_gone = false;
  /// When its instance ended, or it was last written.
  messages::timestamp last;
  /// The oldest first.
  std::vector<stored_log_file> files;
};

/// What is to be removed.
struct log_removals {
  /// Whole logs of instances that are gone, by id.
  std::vector<std::string> logs;
  /// Old files of logs that go on, by path.
  std::vector<std::string> files;
};

/// What is to go: what has been kept for long enough, and what all together have too much, first
/// the logs of instances that are gone, those longest ago first, then the oldest files of the
/// others. The newest file of one that goes on stays in any case.
log_removals logs_to_remove(std::vector<stored_log> logs, const log_limits& limits,
                            messages::timestamp now);

} // namespace deployminator::agent
