#pragma once

#include "actors/common/repeated_lines.hpp"

#include <chrono>
#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <mutex>
#include <string>
#include <vector>

namespace deployminator::common::log {

/// Writes lines to a file descriptor from a thread of its own, so that nobody who logs ever waits
/// for a pipe that nobody reads or a disk that hangs. What cannot be written is dropped and
/// counted. Any thread may call these.
class log_output {
public:
  /// Lines of more bytes than these wait for nobody: they are dropped.
  static constexpr std::size_t most_waiting = 1 << 20;

  /// `remark` puts a head before the text of what the output itself has to say. The object is never
  /// destroyed: the thread may be stuck.
  log_output(int descriptor, std::function<std::string(const std::string&)> remark);

  /// A line, without its end; its `head`, such as the time, does not make it another one. `merge`:
  /// whether it is only counted where it was said a moment ago.
  void put(const std::string& head, const std::string& text, bool merge);

  /// Tells what was held back and waits until all is written, at most so long; whether it is.
  bool flush(std::chrono::milliseconds longest);

private:
  using lock = std::unique_lock<std::mutex>;

  void run();
  void take_repeated(const std::vector<repeated_line>& lines);
  void enqueue(const std::string& line);
  void tell_loss();
  /// Lines of which nobody will hear but by their number.
  struct loss {
    /// Where in the text it is told.
    std::size_t at = 0;
    std::uint64_t lines = 0;
  };
  /// Lines on their way, and the losses that some of them tell.
  struct batch {
    std::string text;
    std::vector<loss> losses;
  };

  /// How many lines could not be written, those included that lost ones would have told of: a full
  /// disk, a reader that is gone.
  std::uint64_t write(const batch& lines) const;

  int descriptor_;
  std::function<std::string(const std::string&)> remark_;
  std::mutex guard_;
  std::condition_variable changed_;
  repeated_lines repeated_;
  batch waiting_;
  /// Bytes that the thread is writing.
  std::size_t in_hand_ = 0;
  std::uint64_t dropped_ = 0;
};

} // namespace deployminator::common::log
