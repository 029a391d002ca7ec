#pragma once

#include <cstddef>
#include <string>
#include <string_view>

/// Text as a terminal shows it: what is safe to print, and how much room it takes. Pure.
namespace deployminator::cli {

/// An end of a text.
enum class text_end { beginning, end };

/// `text` from outside, safe to print on a terminal: control characters, characters that turn the
/// direction of writing, and bytes that are no UTF-8 appear as `\x1b`. Line breaks and tabs stay
/// where `keep_breaks` is set.
std::string printable(std::string_view text, bool keep_breaks = false);

/// `text` for a terminal that shows ASCII alone; as many columns, but that `…` becomes three.
std::string in_ascii(std::string_view text);

/// The number of terminal columns of UTF-8 text: none for a character that combines with the one
/// before, two for a wide one.
std::size_t columns(std::string_view text);

/// The beginning of `text` that takes `width` columns at most.
std::string_view leading(std::string_view text, std::size_t width);

/// `text` filled up with blanks to `width` columns.
std::string padded(std::string_view text, std::size_t width);

/// What stands for text that is left out: `…`, or `~`.
std::string_view omission(bool unicode);

/// `text` in `width` columns at most, with the omission's mark at the end that is left out. Of
/// names that is the beginning: what tells them apart is at their end.
std::string shortened(std::string_view text, std::size_t width, bool unicode,
                      text_end loses = text_end::beginning);

} // namespace deployminator::cli
