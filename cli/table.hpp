#pragma once

#include "cli/text.hpp"

#include <cstddef>
#include <string>
#include <vector>

namespace deployminator::cli {

/// A column of a table, and how it gives way where the terminal is narrower than the table: first
/// columns are shortened, then some are left out, both in the order of the numbers. What is still
/// too wide then is cut at the terminal's edge.
struct column {
  std::string heading;
  /// Its turn to be left out; 0: it never is.
  int drops = 0;
  /// Its turn to be shortened, down to `least` columns; 0: it never is.
  int shortens = 0;
  std::size_t least = 0;
  /// Where a cell is shortened; names differ at their end.
  text_end loses = text_end::beginning;
};

/// Rows of cells under headings, in aligned columns. A column that is empty in every row is left
/// out. Every line ends with a line break. Where the canvas has no width nothing is shortened: what
/// reads it may be a program.
std::string table_text(const std::vector<column>& columns,
                       const std::vector<std::vector<span>>& rows, const canvas& c);

} // namespace deployminator::cli
