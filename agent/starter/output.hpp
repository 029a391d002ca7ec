#pragma once

#include "agent/starter/line_buffer.hpp"
#include "agent/starter/output_log.hpp"

#include <cstdint>
#include <poll.h>

namespace deployminator::agent::starter {

/// What one run of the program after the other prints, on its way from two pipes into the log.
/// A program that is quicker than the disk waits, as for the disk itself.
class output {
public:
  /// `where`: `BYTES:DIRECTORY`, or the directory alone; empty: nothing is kept. An errno, or 0.
  int open(const char* where);

  [[nodiscard]] bool is_kept() const {
    return is_kept_;
  }

  /// The ends for a run's stdout and stderr, of pipes that belong to `uid` (-1: to us), so that the
  /// program can open /dev/stdout. An errno, or 0.
  int begin_run(long uid, int (&ends)[2]);

  /// What to wait for; those that there are not are negative.
  void put_waits(pollfd (&to)[2]) const;
  /// How long to wait for it at most, in milliseconds; -1: for ever.
  [[nodiscard]] int patience() const;

  /// Takes what can be read, a buffer full of each at most.
  void take();

  /// Takes all that was printed until now, and ends a begun line.
  void take_all();

  /// Nobody prints any more: takes all, and ends the run.
  void end_run();

private:
  struct channel {
    source from = source::out;
    int fd = -1;
    line_buffer lines;
    /// When a line that has not ended is written as far as it is, by the clock that never jumps, in
    /// milliseconds.
    std::int64_t due = 0;
  };

  void take(channel& from);
  void take_all(channel& from);
  void end(channel& of);

  bool is_kept_ = false;
  output_log log_;
  channel channels_[2];
};

} // namespace deployminator::agent::starter
