#include "cli/text.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cctype>
#include <charconv>
#include <cmath>

namespace deployminator::cli {

namespace {

/// A character read from UTF-8; length 0: the first byte begins none.
struct character {
  char32_t value = 0;
  std::size_t length = 0;
};

character first_character(std::string_view text) {
  auto lead = static_cast<unsigned char>(text.front());
  if (lead < 0x80)
    return {lead, 1};
  std::size_t length = lead >= 0xf0 ? 4 : lead >= 0xe0 ? 3 : 2;
  if (lead < 0xc2 || lead > 0xf4 || text.size() < length)
    return {};
  char32_t value = lead & (0xffU >> (length + 1));
  for (std::size_t i = 1; i < length; ++i) {
    auto next = static_cast<unsigned char>(text[i]);
    if ((next & 0xc0) != 0x80)
      return {};
    value = (value << 6) | (next & 0x3fU);
  }
  static constexpr std::array<char32_t, 5> smallest{0, 0, 0x80, 0x800, 0x10000};
  bool surrogate = value >= 0xd800 && value <= 0xdfff;
  if (value < smallest[length] || value > 0x10ffff || surrogate)
    return {};
  return {value, length};
}

bool is_harmful(char32_t c) {
  bool control = c < 0x20 || (c >= 0x7f && c < 0xa0);
  bool turns_direction = (c >= 0x202a && c <= 0x202e) || (c >= 0x2066 && c <= 0x2069);
  return control || turns_direction || c == 0x2028 || c == 0x2029;
}

std::string_view colour_of(tone t) {
  switch (t) {
    case tone::dim:
      return "\x1b[2m";
    case tone::good:
      return "\x1b[32m";
    case tone::busy:
      return "\x1b[36m";
    case tone::warning:
      return "\x1b[33m";
    case tone::bad:
      return "\x1b[31m";
    case tone::strong:
      return "\x1b[1m";
    case tone::plain:
      break;
  }
  return "";
}

/// The first `width` columns of `text`.
std::string_view cut(std::string_view text, std::size_t width) {
  std::size_t end = 0;
  while (end < text.size() && width > 0) {
    end += std::max<std::size_t>(1, first_character(text.substr(end)).length);
    --width;
  }
  return text.substr(0, end);
}

struct unit {
  double size;
  const char* name;
};

unit unit_for(std::uint64_t bytes) {
  static constexpr std::array<unit, 5> units{
    unit{1024.0 * 1024 * 1024 * 1024, "TiB"}, unit{1024.0 * 1024 * 1024, "GiB"},
    unit{1024.0 * 1024, "MiB"}, unit{1024.0, "KiB"}, unit{1, "B"}};
  auto fits = [&](const unit& u) { return static_cast<double>(bytes) >= u.size; };
  auto found = std::find_if(units.begin(), units.end(), fits);
  return found == units.end() ? units.back() : *found;
}

std::string in_unit(std::uint64_t bytes, const unit& u) {
  return u.size > 1 ? fmt::format("{:.1f}", static_cast<double>(bytes) / u.size)
                    : std::to_string(bytes);
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

std::string printable(std::string_view text, bool keep_breaks) {
  std::string out;
  while (!text.empty()) {
    auto [value, length] = first_character(text);
    bool kept_break = keep_breaks && (value == '\n' || value == '\t');
    auto taken = std::max<std::size_t>(1, length);
    if (length != 0 && (kept_break || !is_harmful(value)))
      out += text.substr(0, taken);
    else
      for (char c : text.substr(0, taken))
        out += fmt::format("\\x{:02x}", static_cast<unsigned char>(c));
    text.remove_prefix(taken);
  }
  return out;
}

std::size_t columns(std::string_view text) {
  std::size_t count = 0;
  for (; !text.empty(); ++count)
    text.remove_prefix(std::max<std::size_t>(1, first_character(text).length));
  return count;
}

std::string rendered(const line& l, const canvas& c) {
  std::string out;
  std::size_t left = c.width == 0 ? std::string::npos : c.width;
  for (const auto& [text, what] : l) {
    auto shown = cut(text, left);
    left -= columns(shown);
    auto colour = c.rich ? colour_of(what) : std::string_view{};
    out += colour;
    out += shown;
    if (!colour.empty())
      out += "\x1b[0m";
  }
  return out;
}

std::string padded(std::string_view text, std::size_t width) {
  auto used = columns(text);
  std::string out{text};
  out.append(width > used ? width - used : 0, ' ');
  return out;
}

std::string shortened(std::string_view text, std::size_t width, bool unicode) {
  auto used = columns(text);
  if (used <= width)
    return std::string{text};
  if (width == 0)
    return {};
  return (unicode ? "…" : "~") + std::string{text.substr(cut(text, used - width + 1).size())};
}

std::string bytes_text(std::uint64_t bytes) {
  auto u = unit_for(bytes);
  return in_unit(bytes, u) + " " + u.name;
}

std::string progress_text(std::uint64_t bytes, std::optional<std::uint64_t> total) {
  if (!total)
    return bytes_text(bytes);
  auto u = unit_for(*total);
  return in_unit(bytes, u) + "/" + in_unit(*total, u) + " " + u.name;
}

std::string bar_text(std::uint64_t bytes, std::uint64_t total, std::size_t width, bool unicode) {
  double part = total == 0 ? 1 : static_cast<double>(bytes) / static_cast<double>(total);
  auto full = static_cast<std::size_t>(std::clamp(part, 0.0, 1.0) * static_cast<double>(width));
  std::string out;
  for (std::size_t i = 0; i < width; ++i)
    out += i < full ? (unicode ? "█" : "#") : (unicode ? "░" : "-");
  return out;
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

std::string clock_text(messages::timestamp t) {
  if (!t)
    return "-";
  auto text = messages::to_text(t);
  text[10] = ' ';
  return text.substr(0, 19);
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

std::optional<messages::timestamp> time_from_text(std::string_view text, messages::timestamp now) {
  if (auto ago = duration_from_text(text))
    return messages::timestamp{now.microseconds - std::chrono::microseconds{*ago}.count()};
  constexpr std::size_t to_seconds = std::string_view{"2026-01-31T09:30:00"}.size();
  constexpr std::size_t fraction_digits = 6;
  if (text.ends_with('Z'))
    text.remove_suffix(1);
  if (text.size() < to_seconds || text.size() > to_seconds + 1 + fraction_digits)
    return std::nullopt;
  std::string full{text};
  if (full[to_seconds - 9] == ' ')
    full[to_seconds - 9] = 'T';
  if (full.size() == to_seconds)
    full += '.';
  full.resize(to_seconds + 1 + fraction_digits, '0');
  return messages::timestamp_from_text(full + 'Z');
}

std::string counted(std::uint64_t n, std::string_view noun) {
  return fmt::format("{} {}{}", n, noun, n == 1 ? "" : "s");
}

} // namespace deployminator::cli
