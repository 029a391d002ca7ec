#pragma once

#include "cli/characters.hpp"
#include "cli/clock.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

/// How the program writes for people: lines, sizes, colours. Pure.
namespace deployminator::cli {

/// What a stretch of text means; the colour that stands for it on a terminal.
enum class tone { plain, dim, good, busy, warning, bad, strong };

/// A stretch of text of one tone.
struct span {
  std::string text;
  tone what = tone::plain;

  bool operator==(const span&) const = default;
};

/// A line to show: its stretches, left to right.
using line = std::vector<span>;

/// What the output can show.
struct canvas {
  /// Columns and rows; width 0: lines are never cut.
  std::size_t width = 80;
  std::size_t height = 24;
  /// Whether there may be colours and bars.
  bool rich = false;
  /// Whether characters beyond ASCII can be drawn.
  bool unicode = true;
  /// In which zone times are told.
  time_zone zone = time_zone::utc;
};

/// The line, safe to print, in the canvas's characters and colours and no wider than it is.
std::string rendered(const line& l, const canvas& c);

/// `12.3 MiB`, `512 B`.
std::string bytes_text(std::uint64_t bytes);

/// `12.3/20.0 MiB`, both in the unit of the total; without a total `12.3 MiB`.
std::string progress_text(std::uint64_t bytes, std::optional<std::uint64_t> total);

/// A bar of `width` columns, filled by `bytes` of `total`.
std::string bar_text(std::uint64_t bytes, std::uint64_t total, std::size_t width, bool unicode);

/// The sentence, broken between words so that no line is wider than the canvas; lines after the
/// first are indented.
std::string broken_to_fit(std::string_view sentence, const canvas& c);

/// `1 instance`, `2 instances`.
std::string counted(std::uint64_t n, std::string_view noun);

} // namespace deployminator::cli
