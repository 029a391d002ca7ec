#include "agent/unpack/entry_policy.hpp"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

namespace {

/// Whether a walk from the top along these names leaves it at any step.
bool leaves_top(std::string_view path) {
  int depth = 0;
  while (!path.empty() && depth >= 0) {
    auto name = path.substr(0, path.find('/'));
    path.remove_prefix(std::min(path.size(), name.size() + 1));
    if (name == "..")
      --depth;
    else if (!name.empty() && name != ".")
      ++depth;
  }
  return depth < 0;
}

} // namespace

/// No path of an archive leads outside, and no relative link does.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace deployminator::agent::unpack;
  std::string_view input{reinterpret_cast<const char*>(data), size};
  auto end = input.find('\n');
  auto path = checked_path(input.substr(0, end));
  if (!path) {
    if (path.error().message.empty())
      std::abort();
    return 0;
  }
  if (path->starts_with('/') || leaves_top(*path) || *checked_path(*path) != *path)
    std::abort();
  if (end == std::string_view::npos || path->empty())
    return 0;
  auto target = input.substr(end + 1);
  bool is_allowed = static_cast<bool>(check_link(*path, target));
  auto directory = path->substr(0, path->find_last_of('/') + 1);
  if (is_allowed && !target.starts_with('/')
      && leaves_top((path->find('/') == std::string::npos ? std::string{} : directory)
                    + std::string{target}))
    std::abort();
  return 0;
}
