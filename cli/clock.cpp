#include "cli/clock.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cctype>
#include <charconv>
#include <cmath>
#include <ctime>

namespace deployminator::cli {

using messages::timestamp;

namespace {

constexpr std::int64_t per_second = 1'000'000;

/// Whole seconds, and the microseconds after them.
struct split_time {
  std::time_t seconds = 0;
  std::int64_t rest = 0;
};

split_time split(timestamp t) {
  auto rest = (t.microseconds % per_second + per_second) % per_second;
  return {(t.microseconds - rest) / per_second, rest};
}

std::string zone_name(const std::tm& t) {
  std::array<char, 64> name{};
  return {name.data(), std::strftime(name.data(), name.size(), "%Z", &t)};
}

/// The parts of a time in a zone, and what the zone is called then.
std::pair<std::tm, std::string> parts_of(std::time_t seconds, time_zone zone) {
  std::tm out{};
  // Where the system cannot tell the local time (a year beyond all), it is UTC.
  if (zone == time_zone::local && localtime_r(&seconds, &out) != nullptr)
    return {out, zone_name(out)};
  gmtime_r(&seconds, &out);
  return {out, "UTC"};
}

std::string date_text(const std::tm& t) {
  return fmt::format("{:04}-{:02}-{:02} {:02}:{:02}:{:02}", t.tm_year + 1900, t.tm_mon + 1,
                     t.tm_mday, t.tm_hour, t.tm_min, t.tm_sec);
}

/// The moment at which local clocks show what those in UTC show at `shown`, and call it `zone`. It
/// may be one of two, where clocks are put back; the name tells which.
std::optional<timestamp> from_local(timestamp shown, std::string_view zone) {
  auto [seconds, rest] = split(shown);
  auto wanted = parts_of(seconds, time_zone::utc).first;
  for (int daylight : {0, 1}) {
    auto parts = wanted;
    parts.tm_isdst = daylight;
    auto found = std::mktime(&parts);
    if (date_text(parts) == date_text(wanted) && zone_name(parts) == zone)
      return timestamp{found * per_second + rest};
  }
  return std::nullopt;
}

std::optional<double> milliseconds_of(std::string_view unit_name) {
  if (unit_name == "ms")
    return 1;
  if (unit_name == "s")
    return 1000;
  if (unit_name == "m")
    return 60'000;
  if (unit_name == "h")
    return 3'600'000;
  return std::nullopt;
}

} // namespace

std::string clock_text(timestamp t, time_zone zone) {
  if (!t)
    return "-";
  auto [parts, name] = parts_of(split(t).seconds, zone);
  return date_text(parts) + " " + name;
}

std::string exact_clock_text(timestamp t, time_zone zone) {
  if (!t)
    return "-";
  auto [seconds, rest] = split(t);
  auto [parts, name] = parts_of(seconds, zone);
  return fmt::format("{}.{:06} {}", date_text(parts), rest, name);
}

std::string seconds_text(double seconds) {
  seconds = std::max(0.0, seconds);
  if (seconds < 9.95)
    return fmt::format("{:.1f}s", seconds);
  auto whole = static_cast<std::uint64_t>(std::llround(std::min(seconds, 1e15)));
  if (whole < 60)
    return fmt::format("{}s", whole);
  if (whole < 3600)
    return fmt::format("{}m{:02}s", whole / 60, whole % 60);
  if (whole < 86400)
    return fmt::format("{}h{:02}m", whole / 3600, whole / 60 % 60);
  return fmt::format("{}d{:02}h", whole / 86400, whole / 3600 % 24);
}

std::string age_text(messages::timestamp t, messages::timestamp now) {
  if (!t)
    return "-";
  auto whole = std::max<std::int64_t>(0, (now.microseconds - t.microseconds) / 1'000'000);
  return whole < 60 ? fmt::format("{}s", whole) : seconds_text(static_cast<double>(whole));
}

std::optional<std::chrono::milliseconds> duration_from_text(std::string_view text) {
  double sum = 0;
  if (text.empty())
    return std::nullopt;
  while (!text.empty()) {
    std::uint64_t number = 0;
    auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
    if (error != std::errc{})
      return std::nullopt;
    text.remove_prefix(static_cast<std::size_t>(end - text.data()));
    auto is_letter = [](unsigned char c) { return std::isalpha(c) != 0; };
    auto name_end = std::find_if_not(text.begin(), text.end(), is_letter);
    auto name = text.substr(0, static_cast<std::size_t>(name_end - text.begin()));
    auto milliseconds = milliseconds_of(name);
    if (!milliseconds)
      return std::nullopt;
    sum += static_cast<double>(number) * *milliseconds;
    text.remove_prefix(name.size());
  }
  constexpr double year = 366.0 * 24 * 3'600'000;
  if (sum > year)
    return std::nullopt;
  return std::chrono::milliseconds{std::llround(sum)};
}

std::optional<timestamp> time_from_text(std::string_view text, timestamp now) {
  if (auto ago = duration_from_text(text))
    return timestamp{now.microseconds - std::chrono::microseconds{*ago}.count()};
  constexpr std::size_t to_seconds = std::string_view{"2026-01-31T09:30:00"}.size();
  constexpr std::size_t fraction_digits = 6;
  std::string_view zone;
  if (auto blank = text.rfind(' '); blank != text.npos && blank >= to_seconds) {
    zone = text.substr(blank + 1);
    text = text.substr(0, blank);
  } else if (text.ends_with('Z')) {
    text.remove_suffix(1);
  }
  if (text.size() < to_seconds || text.size() > to_seconds + 1 + fraction_digits)
    return std::nullopt;
  std::string full{text};
  if (full[to_seconds - 9] == ' ')
    full[to_seconds - 9] = 'T';
  if (full.size() == to_seconds)
    full += '.';
  full.resize(to_seconds + 1 + fraction_digits, '0');
  auto shown = messages::timestamp_from_text(full + 'Z');
  if (!shown || zone.empty() || zone == "UTC")
    return shown;
  return from_local(*shown, zone);
}

} // namespace deployminator::cli
