#pragma once

#include "messages/timestamp.hpp"

#include <chrono>
#include <optional>
#include <string>
#include <string_view>

/// Times and spans of time as people read and write them.
namespace deployminator::cli {

/// In whose time of day times are shown: the computer's, as `TZ` or /etc/localtime say, or UTC.
enum class time_zone { utc, local };

/// `2026-01-31 10:30:00 CET`; `-` where it never was.
std::string clock_text(messages::timestamp t, time_zone zone);

/// The same with microseconds: `2026-01-31 10:30:00.123456 CET`.
std::string exact_clock_text(messages::timestamp t, time_zone zone);

/// `0.4s`, `42s`, `2m05s`, `3h07m`, `4d02h`.
std::string seconds_text(double seconds);

/// How long ago `t` was at `now`; `-` where it never was.
std::string age_text(messages::timestamp t, messages::timestamp now);

/// Reads `500ms`, `5s`, `2m`, `1h`, `1h30m`; nothing where it is no duration.
std::optional<std::chrono::milliseconds> duration_from_text(std::string_view text);

/// Reads `2026-01-31T09:30:00Z`, also with a fraction, with a blank for the T or without the Z (it
/// is UTC all the same); what `clock_text` writes here; or how long ago: `10m`. Nothing where it is
/// no time, or of another zone.
std::optional<messages::timestamp> time_from_text(std::string_view text, messages::timestamp now);

} // namespace deployminator::cli
