#include "agent/unpack/entry_policy.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace deployminator::agent::unpack {

using messages::failure;
using messages::failure_code;
using messages::result;

namespace {

/// Calls `visit` with each part of a path between slashes that says something.
template <class Visit>
void each_part(std::string_view path, Visit visit) {
  while (!path.empty()) {
    auto slash = std::min(path.find('/'), path.size());
    auto part = path.substr(0, slash);
    if (!part.empty() && part != ".")
      visit(part);
    path.remove_prefix(std::min(slash + 1, path.size()));
  }
}

failure refused(std::string_view what, std::string_view name, std::string_view why) {
  return {failure_code::invalid, fmt::format("refused {} \"{}\": {}", what, shown(name), why), {}};
}

} // namespace

result<std::string> checked_path(std::string_view path) {
  if (path.starts_with('/'))
    return refused("entry", path, "its path is absolute, it would land outside");
  std::string out;
  bool up = false;
  each_part(path, [&](std::string_view part) {
    up = up || part == "..";
    out += out.empty() ? "" : "/";
    out += part;
  });
  if (up)
    return refused("entry", path, "it would land outside");
  return out;
}

result<void> check_link(const std::string& path, std::string_view target) {
  auto name = fmt::format("{} -> {}", path, target);
  if (target.empty())
    return refused("link", name, "it points nowhere");
  if (target.starts_with('/'))
    return {};
  std::size_t up = 0;
  bool down = false;
  bool winding = false;
  each_part(target, [&](std::string_view part) {
    if (part != "..") {
      down = true;
    } else {
      ++up;
      winding = winding || down;
    }
  });
  if (winding)
    return refused("link", name, "\"..\" may only stand at the beginning of a link's target");
  if (up >= depth_of(path))
    return refused("link", name, "it points outside");
  return {};
}

std::size_t depth_of(std::string_view path) {
  std::size_t out = 0;
  each_part(path, [&out](std::string_view) { ++out; });
  return out;
}

std::string shown(std::string_view name) {
  constexpr std::size_t longest = 120;
  std::string out;
  for (char c : name.substr(0, longest))
    if (static_cast<unsigned char>(c) < 0x20 || c == 0x7f)
      out += fmt::format("\\x{:02x}", static_cast<unsigned char>(c));
    else
      out += c;
  return name.size() > longest ? out + "…" : out;
}

} // namespace deployminator::agent::unpack
