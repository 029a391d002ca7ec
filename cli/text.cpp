#include "cli/text.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <utility>

namespace deployminator::cli {

namespace {

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

} // namespace

std::string rendered(const line& l, const canvas& c) {
  line safe;
  std::size_t needed = 0;
  for (const auto& [text, what] : l) {
    auto shown = c.unicode ? printable(text) : in_ascii(printable(text));
    needed += columns(shown);
    safe.push_back({std::move(shown), what});
  }
  bool fits = c.width == 0 || needed <= c.width;
  auto left = fits ? needed : c.width - 1;
  std::string out;
  for (const auto& [text, what] : safe) {
    auto shown = leading(text, left);
    bool is_cut = shown.size() < text.size();
    auto colour = c.rich ? colour_of(what) : std::string_view{};
    out += colour;
    out += shown;
    out += is_cut ? omission(c.unicode) : "";
    if (!colour.empty())
      out += "\x1b[0m";
    if (is_cut)
      break;
    left -= columns(shown);
  }
  return out;
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

std::string broken_to_fit(std::string_view sentence, const canvas& c) {
  constexpr std::string_view line_break = "\n    ";
  std::string out;
  std::size_t used = 0;
  while (!sentence.empty()) {
    auto word = sentence.substr(0, sentence.find(' '));
    sentence.remove_prefix(std::min(word.size() + 1, sentence.size()));
    bool is_first = out.empty();
    if (!is_first && c.width > 0 && used + 1 + columns(word) > c.width) {
      out += line_break;
      used = line_break.size() - 1;
    } else if (!is_first) {
      out += ' ';
      ++used;
    }
    out += word;
    used += columns(word);
  }
  return out;
}

std::string counted(std::uint64_t n, std::string_view noun) {
  return fmt::format("{} {}{}", n, noun, n == 1 ? "" : "s");
}

} // namespace deployminator::cli
