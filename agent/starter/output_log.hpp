#pragma once

#include "agent/starter/line_buffer.hpp"
#include "agent/starter/log_header.hpp"
#include "agent/starter/segments.hpp"

#include <cstddef>
#include <cstdint>

struct iovec;

namespace deployminator::agent::starter {

/// Writes the log of an instance: a directory of files as `segments` has them. A slow disk makes it
/// wait; what the disk does not take it drops, counts, and says so in the log once it can.
class output_log {
public:
  /// Makes or takes up the log in the directory `path`, where nobody else writes; `limit` bytes in
  /// all. What an earlier release left there as one file becomes its first. An errno, or 0.
  int open(const char* path, std::uint64_t limit);

  /// What becomes of a line that has not ended.
  enum class rest { stays, goes_on, ends };

  /// Writes the whole lines in the buffer, with the time.
  void put(source from, line_buffer& lines, rest unended = rest::stays);

  /// Says what was lost, where nothing may follow that would.
  void settle();

private:
  /// How many lines are written at once.
  static constexpr int most_lines = 32;

  struct batch;

  void write(batch& what);
  /// Makes sure of a file with room for so much; false: there is none.
  bool prepare(std::uint64_t bytes);
  int begin_file();
  int open_newest();
  /// Writes what is there; the number of bytes that the disk took.
  std::size_t write_some(iovec* parts, int count, std::size_t size);
  void count_lost(const batch& what, std::size_t written);
  bool tell_lost();

  int directory_ = -1;
  int file_ = -1;
  segments segments_;
  /// The file ends within a line.
  bool is_torn_ = false;
  std::uint64_t lost_lines_ = 0;
  std::uint64_t lost_bytes_ = 0;
  /// Why the disk did not take it: an errno.
  int lost_why_ = 0;
};

} // namespace deployminator::agent::starter
