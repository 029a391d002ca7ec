#include "cli/characters.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <clocale>
#include <cwchar>

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

/// What libc says of the character, whatever locale the user has: there it may know ASCII alone.
std::size_t width_of(char32_t c) {
  if (c < 0x80)
    return 1;
  static auto* const utf8 = newlocale(LC_CTYPE_MASK, "C.UTF-8", nullptr);
  if (utf8 == nullptr)
    return 1;
  auto* before = uselocale(utf8);
  auto width = wcwidth(static_cast<wchar_t>(c));
  uselocale(before);
  return width < 0 ? 1 : static_cast<std::size_t>(width);
}

/// A character's bytes and columns; a byte that begins none is one of each.
struct step {
  std::size_t bytes = 1;
  std::size_t columns = 1;
};

step first_step(std::string_view text) {
  auto [value, length] = first_character(text);
  return length == 0 ? step{} : step{length, width_of(value)};
}

/// The end of `text` that takes `width` columns at most.
std::string_view trailing(std::string_view text, std::size_t width) {
  auto used = columns(text);
  while (!text.empty()) {
    auto next = first_step(text);
    // What combines goes with the character before it.
    if (used <= width && next.columns > 0)
      break;
    used -= next.columns;
    text.remove_prefix(next.bytes);
  }
  return text;
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

std::string in_ascii(std::string_view text) {
  constexpr std::string_view ellipsis = "…";
  std::string out;
  while (!text.empty()) {
    auto next = first_step(text);
    if (static_cast<unsigned char>(text.front()) < 0x80)
      out += text.front();
    else if (text.starts_with(ellipsis))
      out += "...";
    else
      out.append(next.columns, '?');
    text.remove_prefix(next.bytes);
  }
  return out;
}

std::size_t columns(std::string_view text) {
  std::size_t count = 0;
  while (!text.empty()) {
    auto next = first_step(text);
    count += next.columns;
    text.remove_prefix(next.bytes);
  }
  return count;
}

std::string_view leading(std::string_view text, std::size_t width) {
  std::size_t end = 0;
  while (end < text.size()) {
    auto next = first_step(text.substr(end));
    if (next.columns > width)
      break;
    width -= next.columns;
    end += next.bytes;
  }
  return text.substr(0, end);
}

std::string padded(std::string_view text, std::size_t width) {
  auto used = columns(text);
  std::string out{text};
  out.append(width > used ? width - used : 0, ' ');
  return out;
}

std::string_view omission(bool unicode) {
  return unicode ? "…" : "~";
}

std::string shortened(std::string_view text, std::size_t width, bool unicode, text_end loses) {
  if (columns(text) <= width)
    return std::string{text};
  if (width == 0)
    return {};
  std::string mark{omission(unicode)};
  return loses == text_end::beginning ? mark + std::string{trailing(text, width - 1)}
                                      : std::string{leading(text, width - 1)} + mark;
}

} // namespace deployminator::cli
