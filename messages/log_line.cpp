#include "messages/log_line.hpp"

#include <algorithm>
#include <array>
#include <utility>

namespace deployminator::messages {

namespace {

constexpr std::string_view time_pattern = "0000-00-00T00:00:00.000000Z";

bool has_form_of_time(std::string_view text) {
  return text.size() == time_pattern.size()
         && std::equal(text.begin(), text.end(), time_pattern.begin(), [](char c, char expected) {
              return expected == '0' ? c >= '0' && c <= '9' : c == expected;
            });
}

} // namespace

log_line log_line_from(std::string_view line) {
  constexpr std::size_t name_at = time_pattern.size() + 1;
  constexpr std::size_t name_size = 3;
  log_line out;
  out.text = line;
  if (line.size() <= name_at + name_size || !has_form_of_time(line.substr(0, time_pattern.size()))
      || line[name_at - 1] != ' ')
    return out;
  auto source = from_text<log_source>(line.substr(name_at, name_size));
  bool goes_on = line[name_at + name_size] == '+';
  auto text_at = name_at + name_size + (goes_on ? 2 : 1);
  if (!source || line.size() < text_at || line[text_at - 1] != ' ')
    return out;
  auto time = timestamp_from_text(line.substr(0, time_pattern.size()));
  return time ? log_line{*time, *source, goes_on, line.substr(text_at)} : out;
}

std::string_view take_line(std::string_view& data) {
  auto size = std::min(data.find('\n'), data.size());
  auto out = data.substr(0, size);
  data.remove_prefix(std::min(size + 1, data.size()));
  return out;
}

std::string log_text(std::string_view data) {
  std::string out;
  std::array<std::string, 3> begun;
  auto end = [&out](std::string& text) {
    if (!text.empty())
      out += std::exchange(text, {}) + '\n';
  };
  while (!data.empty()) {
    auto line = log_line_from(take_line(data));
    // Whatever it tells of, nothing goes on beyond it.
    if (line.source == log_source::sys)
      std::for_each(begun.begin(), begun.end(), end);
    auto& text = begun[static_cast<std::size_t>(line.source)];
    text += line.text;
    if (line.goes_on)
      continue;
    out += std::exchange(text, {}) + '\n';
  }
  std::for_each(begun.begin(), begun.end(), end);
  return out;
}

} // namespace deployminator::messages
