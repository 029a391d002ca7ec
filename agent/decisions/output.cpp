#include "agent/decisions/output.hpp"

#include <algorithm>

namespace deployminator::agent {

namespace {

/// How many bytes at the start of `text` are one well-formed character (RFC 3629); 0: none.
std::size_t character_length(std::string_view text) {
  auto byte = [&](std::size_t i) { return static_cast<unsigned char>(text[i]); };
  auto lead = byte(0);
  if (lead < 0x80)
    return lead == 0 ? 0 : 1;
  std::size_t length = lead >= 0xf0 ? 4 : lead >= 0xe0 ? 3 : 2;
  if (lead < 0xc2 || lead > 0xf4 || text.size() < length)
    return 0;
  for (std::size_t i = 1; i < length; ++i)
    if ((byte(i) & 0xc0) != 0x80)
      return 0;
  bool overlong = (lead == 0xe0 && byte(1) < 0xa0) || (lead == 0xf0 && byte(1) < 0x90);
  bool outside = (lead == 0xed && byte(1) > 0x9f) || (lead == 0xf4 && byte(1) > 0x8f);
  return overlong || outside ? 0 : length;
}

} // namespace

std::string last_lines(std::string_view printed, std::size_t limit) {
  if (printed.size() > limit) {
    bool at_line_start = printed[printed.size() - limit - 1] == '\n';
    printed.remove_prefix(printed.size() - limit);
    auto line_end = printed.find('\n');
    if (!at_line_start && line_end != std::string_view::npos && line_end + 1 < printed.size())
      printed.remove_prefix(line_end + 1);
  }
  std::string out;
  while (!printed.empty()) {
    auto length = character_length(printed);
    if (length == 0)
      out += '?';
    else
      out += printed.substr(0, length);
    printed.remove_prefix(std::max<std::size_t>(length, 1));
  }
  return out;
}

} // namespace deployminator::agent
