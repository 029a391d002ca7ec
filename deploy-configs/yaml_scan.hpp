#pragma once

#include <cstddef>
#include <optional>
#include <string_view>
#include <vector>

namespace deployminator::configs {

/// Where something stands in a text, counted from 1.
struct text_place {
  std::size_t line = 1;
  std::size_t column = 1;

  auto operator<=>(const text_place&) const = default;
};

/// A bracket or a quotation mark, and where it stands.
struct opened_mark {
  char what = 0;
  text_place at;
};

/// What is open at a place of a text that is not YAML: for messages, so it need not know what no
/// message depends on.
struct open_marks {
  /// Brackets, the innermost last.
  std::vector<opened_mark> brackets;
  /// The last text in quotes, if it goes over more than one line.
  std::optional<opened_mark> long_quote;
};

/// Looks through the text up to that place.
open_marks open_at(std::string_view text, text_place end);

/// The line without its end, from 1; empty where there is none.
std::string_view line_of(std::string_view text, std::size_t line);

} // namespace deployminator::configs
