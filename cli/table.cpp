#include "cli/table.hpp"

#include <algorithm>

namespace deployminator::cli {

namespace {

/// The columns' widths; 0 for those that are left out.
std::vector<std::size_t> widths_of(const std::vector<std::string>& headings,
                                   const std::vector<std::vector<span>>& rows) {
  std::vector<std::size_t> widths(headings.size(), 0);
  for (const auto& row : rows)
    for (std::size_t i = 0; i < row.size(); ++i)
      widths[i] = std::max(widths[i], columns(row[i].text));
  for (std::size_t i = 0; i < widths.size(); ++i)
    if (widths[i] > 0)
      widths[i] = std::max(widths[i], columns(headings[i]));
  return widths;
}

std::string row_text(const std::vector<span>& cells, const std::vector<std::size_t>& widths,
                     bool rich) {
  line out;
  std::string gap;
  for (std::size_t i = 0; i < cells.size(); ++i) {
    if (widths[i] == 0)
      continue;
    out.push_back({gap, tone::plain});
    out.push_back(cells[i]);
    gap = std::string(widths[i] + 2 - columns(cells[i].text), ' ');
  }
  while (!out.empty() && out.back().text.find_first_not_of(' ') == std::string::npos)
    out.pop_back();
  return rendered(out, {.width = 0, .rich = rich}) + "\n";
}

} // namespace

std::string table_text(const std::vector<std::string>& headings,
                       const std::vector<std::vector<span>>& rows, bool rich) {
  auto widths = widths_of(headings, rows);
  std::vector<span> top;
  for (const auto& heading : headings)
    top.push_back({heading, tone::dim});
  auto out = row_text(top, widths, rich);
  for (const auto& row : rows)
    out += row_text(row, widths, rich);
  return out;
}

} // namespace deployminator::cli
