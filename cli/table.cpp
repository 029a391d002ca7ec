#include "cli/table.hpp"

#include <algorithm>

namespace deployminator::cli {

namespace {

constexpr std::size_t gap = 2;

/// Of each column; 0 for those that are left out.
using column_widths = std::vector<std::size_t>;

using cell_rows = std::vector<std::vector<span>>;

/// What each column needs.
column_widths natural_widths(const std::vector<column>& list, const cell_rows& rows) {
  column_widths out(list.size(), 0);
  for (const auto& row : rows)
    for (std::size_t i = 0; i < row.size(); ++i)
      out[i] = std::max(out[i], columns(row[i].text));
  for (std::size_t i = 0; i < out.size(); ++i)
    if (out[i] > 0)
      out[i] = std::max(out[i], columns(list[i].heading));
  return out;
}

std::size_t table_width(const column_widths& widths) {
  std::size_t sum = 0;
  for (auto each : widths)
    sum += each == 0 ? 0 : each + gap;
  return sum == 0 ? 0 : sum - gap;
}

/// The columns that have a turn, by it.
std::vector<std::size_t> by_turn(const std::vector<column>& list, int column::*turn) {
  std::vector<std::size_t> out;
  for (std::size_t i = 0; i < list.size(); ++i)
    if (list[i].*turn != 0)
      out.push_back(i);
  std::ranges::sort(out, {}, [&](std::size_t i) { return list[i].*turn; });
  return out;
}

/// Shortens one column after the other until the table fits, or all are as short as may be.
column_widths squeezed(const std::vector<column>& list, column_widths widths, std::size_t room) {
  for (auto i : by_turn(list, &column::shortens)) {
    auto width = table_width(widths);
    if (width > room && widths[i] > list[i].least)
      widths[i] = std::max(list[i].least, widths[i] - std::min(widths[i], width - room));
  }
  return widths;
}

column_widths fitting_widths(const std::vector<column>& list, column_widths widths,
                             std::size_t room) {
  auto out = squeezed(list, widths, room);
  for (auto i : by_turn(list, &column::drops)) {
    if (table_width(out) <= room)
      break;
    widths[i] = 0;
    out = squeezed(list, widths, room);
  }
  return out;
}

std::string row_text(const std::vector<span>& cells, const std::vector<column>& list,
                     const column_widths& widths, const canvas& c) {
  line out;
  std::string blanks;
  for (std::size_t i = 0; i < cells.size(); ++i) {
    if (widths[i] == 0)
      continue;
    out.push_back({blanks, tone::plain});
    out.push_back({shortened(cells[i].text, widths[i], c.unicode, list[i].loses), cells[i].what});
    blanks = std::string(widths[i] + gap - columns(out.back().text), ' ');
  }
  while (!out.empty() && out.back().text.find_first_not_of(' ') == std::string::npos)
    out.pop_back();
  return rendered(out, c) + "\n";
}

/// What will be seen of the cells, so that it can be measured.
cell_rows shown_cells(const cell_rows& rows, const canvas& c) {
  auto out = rows;
  for (auto& row : out)
    for (auto& cell : row)
      cell.text = c.unicode ? printable(cell.text) : in_ascii(printable(cell.text));
  return out;
}

} // namespace

std::string table_text(const std::vector<column>& columns, const cell_rows& rows, const canvas& c) {
  auto cells = shown_cells(rows, c);
  auto widths = natural_widths(columns, cells);
  if (c.width != 0)
    widths = fitting_widths(columns, widths, c.width);
  std::string out;
  std::vector<span> headings;
  auto heading_columns = columns;
  for (auto& each : heading_columns) {
    each.loses = text_end::end;
    headings.push_back({each.heading, tone::dim});
  }
  out += row_text(headings, heading_columns, widths, c);
  for (const auto& row : cells)
    out += row_text(row, columns, widths, c);
  return out;
}

} // namespace deployminator::cli
