#include "messages/application.hpp"

#include <algorithm>
#include <array>
#include <cctype>
#include <charconv>

namespace deployminator::messages {

namespace {

/// Calls `on_text` for each stretch of plain text and `on_port` for the n of each `${PORTn}`.
template <class OnText, class OnPort>
void scan_ports(std::string_view text, OnText on_text, OnPort on_port) {
  constexpr std::string_view opening = "${PORT";
  while (!text.empty()) {
    auto start = text.find(opening);
    if (start == std::string_view::npos)
      break;
    auto digits = text.substr(start + opening.size());
    std::uint32_t n = 0;
    auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), n);
    bool matches = error == std::errc{} && end != digits.data() + digits.size() && *end == '}';
    auto length
      = opening.size() + (matches ? static_cast<std::size_t>(end - digits.data()) + 1 : 0);
    if (matches) {
      on_text(text.substr(0, start));
      on_port(n);
    } else {
      on_text(text.substr(0, start + length));
    }
    text.remove_prefix(start + length);
  }
  on_text(text);
}

} // namespace

std::optional<std::uint64_t> real_memory_mb(const resource_limits& limits) {
  auto most = limits.max_kill_memory_mb;
  if (!most && !limits.bounds_address_space)
    most = limits.max_memory_mb;
  return most == unlimited ? std::nullopt : most;
}

bool is_archive(const std::string& download_url) {
  std::string path = download_url;
  if (path.find("://") != std::string::npos)
    path = path.substr(0, path.find_first_of("?#"));
  std::transform(path.begin(), path.end(), path.begin(),
                 [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  path = path.substr(path.find_last_of('/') + 1);
  static constexpr std::array endings{".tar", ".tgz", ".tbz2", ".tbz", ".txz", ".tzst", ".zip"};
  bool by_ending = std::any_of(endings.begin(), endings.end(), [&](std::string_view ending) {
    return path.size() > ending.size() && path.ends_with(ending);
  });
  auto tar = path.rfind(".tar.");
  return by_ending || (tar != std::string::npos && path.find('.', tar + 5) == std::string::npos);
}

std::uint32_t port_count(const program& app) {
  std::uint32_t highest = 0;
  auto on_port = [&](std::uint32_t n) { highest = std::max(highest, n); };
  for (const auto& arg : app.args)
    scan_ports(
      arg, [](std::string_view) {}, on_port);
  for (const auto& [key, value] : app.env)
    scan_ports(
      value, [](std::string_view) {}, on_port);
  for (const auto& each : app.services)
    on_port(each.port_index);
  for (const auto& arg : app.health.exec)
    scan_ports(
      arg, [](std::string_view) {}, on_port);
  on_port(app.health.port);
  return highest;
}

std::string with_variable(const std::string& text, std::string_view name, std::string_view value) {
  auto variable = "${" + std::string{name} + "}";
  std::string out;
  std::size_t done = 0;
  for (auto at = text.find(variable); at != std::string::npos; at = text.find(variable, done)) {
    out.append(text, done, at - done).append(value);
    done = at + variable.size();
  }
  return out.append(text, done);
}

std::string with_ports(const std::string& text, const std::vector<std::uint16_t>& ports) {
  std::string out;
  scan_ports(
    text, [&](std::string_view plain) { out += plain; },
    [&](std::uint32_t n) {
      out += n >= 1 && n <= ports.size() ? std::to_string(ports[n - 1])
                                         : "${PORT" + std::to_string(n) + "}";
    });
  return out;
}

} // namespace deployminator::messages
