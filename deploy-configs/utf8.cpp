#include "deploy-configs/utf8.hpp"

#include <algorithm>
#include <cstdint>

namespace deployminator::configs {

namespace {

/// The length of the character that `text` begins with; 0 if it is malformed: broken off, longer
/// than needed, a surrogate, or above U+10FFFF.
std::size_t character_length(std::string_view text) {
  auto byte = [&](std::size_t i) { return static_cast<std::uint8_t>(text[i]); };
  auto first = byte(0);
  if (first < 0x80)
    return 1;
  std::size_t length = first >= 0xf0 ? 4 : first >= 0xe0 ? 3 : 2;
  if (first < 0xc2 || first > 0xf4 || text.size() < length)
    return 0;
  std::uint32_t code = first & (0xffU >> (length + 1));
  for (std::size_t i = 1; i < length; ++i) {
    if ((byte(i) & 0xc0) != 0x80)
      return 0;
    code = (code << 6) | (byte(i) & 0x3fU);
  }
  bool overlong = (length == 3 && code < 0x800) || (length == 4 && code < 0x10000);
  bool surrogate = code >= 0xd800 && code <= 0xdfff;
  return overlong || surrogate || code > 0x10ffff ? 0 : length;
}

bool is_control(char c) {
  auto byte = static_cast<std::uint8_t>(c);
  return (byte < 0x20 && c != '\t' && c != '\n' && c != '\r') || byte == 0x7f;
}

} // namespace

std::optional<text_position> first_not_text(std::string_view text) {
  text_position here;
  for (std::size_t i = 0; i < text.size();) {
    auto length = character_length(text.substr(i));
    if (length == 0 || is_control(text[i]))
      return here;
    here.column += length;
    if (text[i] == '\n')
      here = {here.line + 1, 1};
    i += length;
  }
  return std::nullopt;
}

} // namespace deployminator::configs
