#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <map>
#include <string>
#include <vector>

namespace deployminator::common::log {

/// A line that was said again while it was held back.
struct repeated_line {
  std::string text;
  /// How often.
  std::uint64_t count = 0;
};

/// Tells a line the first time and counts it from then on, so that one cause cannot fill the log.
/// The caller says what time it is.
class repeated_lines {
public:
  using time_point = std::chrono::steady_clock::time_point;

  /// A line is told at most once within this time.
  static constexpr std::chrono::seconds window{60};
  /// Beyond so many different lines within a window the others are only counted.
  static constexpr std::size_t most_lines = 1'000;

  /// Whether the line is told now; else it counts.
  bool is_told(const std::string& text, time_point now);

  /// The lines that were said again and whose window is over: their windows begin anew. The lines
  /// beyond `most_lines` are one with an empty text.
  std::vector<repeated_line> due(time_point now);

  /// All that was held back, whatever the time.
  std::vector<repeated_line> all();

  /// Whether `due` may ever have something to tell.
  bool is_empty() const;

private:
  struct held {
    time_point since;
    std::uint64_t count = 0;
  };

  std::map<std::string, held> lines_;
  std::uint64_t others_ = 0;
};

} // namespace deployminator::common::log
