#pragma once

#include "messages/enum_text.hpp"
#include "messages/timestamp.hpp"

#include <string>
#include <string_view>

/// The log of an instance as its machine keeps it and as it travels: lines such as
/// `2026-11-27T05:40:10.123456Z out text`, the text being the bytes that were printed.
namespace deployminator::messages {

/// Who said it.
enum class log_source {
  /// The program, on its stdout.
  out,
  /// The program, on its stderr.
  err,
  /// What keeps the log: something is missing here, say.
  sys,
};

template <>
struct enum_text<log_source> {
  static constexpr std::array<std::string_view, 3> names{"out", "err", "sys"};
};

/// A line of a log, or a piece of a longer one.
struct log_line {
  /// Unset for a line that has none, from an agent of an earlier release.
  timestamp time;
  log_source source = log_source::out;
  /// It goes on with the next line of its source: it was long, or not ended for a while. (In the
  /// log: `out+`.)
  bool goes_on = false;
  /// Without line break.
  std::string_view text;
};

/// Reads a line, given without its line break. Anything is one.
log_line log_line_from(std::string_view line);

/// The first line of `data`, which is taken off it together with its line break.
std::string_view take_line(std::string_view& data);

/// The texts of a log's lines, long ones put together again; lines of different sources may have
/// to wait for each other's end.
std::string log_text(std::string_view data);

} // namespace deployminator::messages
