#include "deploy-configs/mistake.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <tuple>

namespace deployminator::configs {

std::string to_text(const std::string& file_name, const mistake& m) {
  if (m.line == 0)
    return fmt::format("{}: {}", file_name, m.message);
  return fmt::format("{}:{}:{}: {}", file_name, m.line, m.column, m.message);
}

void sort_by_position(std::vector<mistake>& mistakes) {
  std::stable_sort(mistakes.begin(), mistakes.end(), [](const mistake& a, const mistake& b) {
    return std::tie(a.line, a.column) < std::tie(b.line, b.column);
  });
}

} // namespace deployminator::configs
