#pragma once

#include "cli/text.hpp"

#include <string>
#include <vector>

namespace deployminator::cli {

/// Rows of cells under headings, in aligned columns. A column that is empty in every row is left
/// out. Every line ends with a line break and is never cut: what reads it may be a program.
std::string table_text(const std::vector<std::string>& headings,
                       const std::vector<std::vector<span>>& rows, bool rich);

} // namespace deployminator::cli
