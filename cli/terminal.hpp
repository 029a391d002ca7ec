#pragma once

#include "cli/text.hpp"

#include <cstddef>
#include <string>
#include <vector>

namespace deployminator::cli {

/// Where progress is written: on a terminal a live part at the bottom that is redrawn in place,
/// with lines that stay above it; elsewhere only the lines that stay.
class terminal {
public:
  /// Writes to the file descriptor. `rich`: the user wants more than lines, where it can be shown.
  terminal(int descriptor, bool rich, time_zone zone);

  /// Whether there can be a live part.
  bool is_live() const;

  /// What can be shown at this moment: the window may change its size.
  canvas shape() const;

  /// Writes a line that stays. Throws `output_lost` where this is stdout and cannot be written.
  void say(const line& l);

  /// Replaces the live part.
  void show(const std::vector<line>& lines);

  /// Lets the live part stay as it is; the next one begins below it.
  void settle();

private:
  /// What moves the cursor to the live part's first line and clears from there on.
  std::string erasing() const;
  void write(const std::string& text) const;
  std::string painted(const std::vector<line>& lines) const;

  int descriptor_;
  bool live_;
  bool unicode_;
  time_zone zone_;
  std::vector<line> shown_;
};

/// What the file descriptor can show without colours: the size and characters of a terminal; width
/// 0 and any characters elsewhere, and on a terminal that does not tell its size.
canvas terminal_page(int descriptor);

/// Whether the file descriptor is a terminal that understands cursor movements and colours.
bool is_capable_terminal(int descriptor);

} // namespace deployminator::cli
