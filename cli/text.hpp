#pragma once

#include "messages/timestamp.hpp"

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

/// How the program writes for people: sizes, times, colours. Pure.
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
};

/// `text` from outside, safe to print on a terminal: control characters, characters that turn the
/// direction of writing, and bytes that are no UTF-8 appear as `\x1b`. Line breaks and tabs stay
/// where `keep_breaks` is set.
std::string printable(std::string_view text, bool keep_breaks = false);

/// The number of terminal columns of UTF-8 text, one for each character.
std::size_t columns(std::string_view text);

/// The line cut to the canvas's width and painted in its colours.
std::string rendered(const line& l, const canvas& c);

/// `text` filled up with blanks to `width` columns.
std::string padded(std::string_view text, std::size_t width);

/// `text`, of which the beginning is left out where it has more than `width` columns: what tells
/// names apart is at their end.
std::string shortened(std::string_view text, std::size_t width, bool unicode);

/// `12.3 MiB`, `512 B`.
std::string bytes_text(std::uint64_t bytes);

/// `12.3/20.0 MiB`, both in the unit of the total; without a total `12.3 MiB`.
std::string progress_text(std::uint64_t bytes, std::optional<std::uint64_t> total);

/// A bar of `width` columns, filled by `bytes` of `total`.
std::string bar_text(std::uint64_t bytes, std::uint64_t total, std::size_t width, bool unicode);

/// `0.4s`, `42s`, `2m05s`, `3h07m`, `4d02h`.
std::string seconds_text(double seconds);

/// How long ago `t` was at `now`; `-` where it never was.
std::string age_text(messages::timestamp t, messages::timestamp now);

/// `2026-01-31 09:30:00`, in UTC.
std::string clock_text(messages::timestamp t);

/// Reads `500ms`, `5s`, `2m`, `1h`, `1h30m`; nothing where it is no duration.
std::optional<std::chrono::milliseconds> duration_from_text(std::string_view text);

/// Reads `2026-01-31T09:30:00Z`, also with a fraction, with a blank for the T or without the Z (it
/// is UTC all the same), or how long ago: `10m`. Nothing where it is no time.
std::optional<messages::timestamp> time_from_text(std::string_view text, messages::timestamp now);

/// `1 instance`, `2 instances`.
std::string counted(std::uint64_t n, std::string_view noun);

} // namespace deployminator::cli
