#include "actors/common/repeated_lines.hpp"

#include <utility>

namespace deployminator::common::log {

bool repeated_lines::is_told(const std::string& text, time_point now) {
  if (auto known = lines_.find(text); known != lines_.end()) {
    ++known->second.count;
    return false;
  }
  if (lines_.size() >= most_lines) {
    ++others_;
    return false;
  }
  lines_.emplace(text, held{now});
  return true;
}

std::vector<repeated_line> repeated_lines::due(time_point now) {
  std::vector<repeated_line> out;
  bool is_full = lines_.size() >= most_lines;
  for (auto it = lines_.begin(); it != lines_.end();) {
    auto& [text, line] = *it;
    if (now - line.since < window) {
      ++it;
    } else if (line.count == 0) {
      it = lines_.erase(it);
    } else {
      out.push_back({text, std::exchange(line.count, 0)});
      line.since = now;
      ++it;
    }
  }
  if (others_ != 0 && !(is_full && lines_.size() >= most_lines))
    out.push_back({"", std::exchange(others_, 0)});
  return out;
}

std::vector<repeated_line> repeated_lines::all() {
  auto out = due(time_point::max());
  if (others_ != 0)
    out.push_back({"", std::exchange(others_, 0)});
  lines_.clear();
  return out;
}

bool repeated_lines::is_empty() const {
  return lines_.empty() && others_ == 0;
}

} // namespace deployminator::common::log
