#include "agent/linux/machine_program.hpp"

#include "agent/decisions/launch.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <string_view>
#include <unistd.h>

#include <sys/stat.h>

namespace deployminator::agent {

using messages::failure;
using messages::failure_code;
using messages::result;

namespace {

/// A file that somebody may execute.
bool is_program(const std::string& path) {
  struct stat info {};
  return stat(path.c_str(), &info) == 0 && S_ISREG(info.st_mode) && (info.st_mode & 0111) != 0;
}

} // namespace

result<std::string> find_machine_program(const std::string& name) {
  if (name.starts_with('/')) {
    if (is_program(name))
      return name;
    return failure{failure_code::not_found,
                   fmt::format("cannot run {}: there is no such program on this machine; install "
                               "it there, or name another `interpreter`",
                               name),
                   {}};
  }
  for (std::string_view rest = machine_path; !rest.empty();) {
    auto end = std::min(rest.find(':'), rest.size());
    if (auto path = fmt::format("{}/{}", rest.substr(0, end), name); is_program(path))
      return path;
    rest.remove_prefix(std::min(end + 1, rest.size()));
  }
  return failure{failure_code::not_found,
                 fmt::format("cannot run {}: no program of that name is in {} of this machine; "
                             "install it there, or give its absolute path as `interpreter`",
                             name, machine_path),
                 {}};
}

std::string host_name() {
  std::array<char, 256> name{};
  return gethostname(name.data(), name.size() - 1) == 0 ? name.data() : "localhost";
}

} // namespace deployminator::agent
