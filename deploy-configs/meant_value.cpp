#include "deploy-configs/meant_value.hpp"

#include "deploy-configs/values.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <cstdint>
#include <utility>

namespace deployminator::configs {

namespace {

/// More of a unit than anybody means.
constexpr double most_of_a_unit = 1e12;

/// Takes a number such as `1.5` off the text's beginning, and blanks behind it.
std::optional<double> take_number(std::string_view& text) {
  double value = 0;
  auto [end, error]
    = std::from_chars(text.data(), text.data() + text.size(), value, std::chars_format::fixed);
  if (error != std::errc{} || !(value >= 0) || value > most_of_a_unit)
    return std::nullopt;
  text.remove_prefix(static_cast<std::size_t>(end - text.data()));
  text.remove_prefix(std::min(text.find_first_not_of(' '), text.size()));
  return value;
}

/// Milliseconds of a unit in any spelling; nothing where it is none.
std::optional<double> milliseconds_of(std::string_view unit) {
  constexpr std::array<std::pair<std::string_view, double>, 20> units{{
    {"ms", 1},       {"msec", 1},      {"millis", 1},   {"milliseconds", 1}, {"s", 1e3},
    {"sec", 1e3},    {"secs", 1e3},    {"second", 1e3}, {"seconds", 1e3},    {"m", 6e4},
    {"min", 6e4},    {"mins", 6e4},    {"minute", 6e4}, {"minutes", 6e4},    {"h", 3.6e6},
    {"hour", 3.6e6}, {"hours", 3.6e6}, {"d", 8.64e7},   {"day", 8.64e7},     {"days", 8.64e7},
  }};
  auto name = lower(unit);
  for (const auto& [spelling, factor] : units)
    if (name == spelling)
      return factor;
  return std::nullopt;
}

/// In the largest unit in which it is a whole number.
std::string duration_text(std::int64_t ms) {
  if (ms % 3'600'000 == 0)
    return fmt::format("{}h", ms / 3'600'000);
  if (ms % 60'000 == 0)
    return fmt::format("{}m", ms / 60'000);
  return ms % 1'000 == 0 ? fmt::format("{}s", ms / 1'000) : fmt::format("{}ms", ms);
}

} // namespace

std::optional<std::string> size_hint(std::string_view text) {
  auto value = take_number(text);
  auto unit = lower(text);
  if (unit.ends_with("ib"))
    unit.resize(unit.size() - 2);
  else if (unit.ends_with('b') && unit != "b")
    unit.pop_back();
  // Nobody who writes 2 GB of memory means anything but 2 * 1024 of what we count in.
  double factor = unit == "b"   ? 1.0 / (1024 * 1024)
                  : unit == "k" ? 1.0 / 1024
                  : unit == "m" ? 1.0
                  : unit == "g" ? 1024.0
                  : unit == "t" ? 1024.0 * 1024
                                : 0.0;
  if (!value || factor == 0.0)
    return std::nullopt;
  return fmt::format(", in megabytes: {}", static_cast<std::int64_t>(std::ceil(*value * factor)));
}

std::optional<std::string> cpu_hint(std::string_view text) {
  // A number of processors, as others count, is small.
  constexpr double most_processors = 16;
  auto value = take_number(text);
  if (!value || (!text.empty() && text != "%"))
    return std::nullopt;
  bool is_percent = *value > most_processors || !text.empty();
  auto meant = fmt::format("{}%", std::llround(std::ceil(is_percent ? *value : *value * 100)));
  return parse_cpu_share(meant) ? std::optional{": " + meant} : std::nullopt;
}

std::optional<std::string> span_hint(std::string_view text) {
  auto trimmed = [](std::string_view part) {
    auto first = std::min(part.find_first_not_of(' '), part.size());
    return part.substr(first, part.find_last_not_of(' ') + 1 - first);
  };
  constexpr std::string_view in = " in ", dots = "..";
  if (auto at = text.find(in); at != std::string_view::npos)
    return duration_hint(trimmed(text.substr(at + in.size())));
  auto at = text.find(dots);
  if (at == std::string_view::npos)
    return std::nullopt;
  auto first = trimmed(text.substr(0, at));
  return duration_hint(parse_duration(first) ? trimmed(text.substr(at + dots.size())) : first);
}

std::optional<std::string> duration_hint(std::string_view text) {
  if (parse_duration(text))
    return std::nullopt;
  if (parse_integer(text, 1, static_cast<std::int64_t>(most_of_a_unit)))
    return fmt::format(", with its unit: {0}s or {0}m", text);
  double sum = 0;
  while (!text.empty()) {
    auto value = take_number(text);
    auto unit = text.substr(0, std::min(text.find_first_of("0123456789. "), text.size()));
    auto factor = milliseconds_of(unit);
    if (!value || !factor)
      return std::nullopt;
    sum += *value * *factor;
    text.remove_prefix(unit.size());
    text.remove_prefix(std::min(text.find_first_not_of(' '), text.size()));
  }
  auto ms = std::llround(sum);
  auto meant = duration_text(ms);
  if (ms < 1 || !parse_duration(meant))
    return std::nullopt;
  return ": " + meant;
}

} // namespace deployminator::configs
