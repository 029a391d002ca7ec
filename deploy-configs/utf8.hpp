#pragma once

#include <cstddef>
#include <optional>
#include <string_view>

namespace deployminator::configs {

/// A place in a text, counted from 1; columns count bytes.
struct text_position {
  std::size_t line = 1;
  std::size_t column = 1;
};

/// The first byte that does not belong to UTF-8 text: a malformed sequence, or a control character
/// other than tab, line feed and carriage return.
std::optional<text_position> first_not_text(std::string_view text);

} // namespace deployminator::configs
