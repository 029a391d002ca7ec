#include "agent/linux/machine_program.hpp"

#include "agent/decisions/launch.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <filesystem>
#include <string_view>
#include <system_error>
#include <unistd.h>
#include <vector>

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

result<std::vector<std::string>> java_arguments(const std::string& directory,
                                                const std::string& main_class) {
  namespace fs = std::filesystem;
  std::error_code error;
  std::vector<std::string> jars;
  // Without following links, which may lead anywhere.
  fs::recursive_directory_iterator each{directory, error};
  for (; !error && each != fs::recursive_directory_iterator{}; each.increment(error))
    if (each->path().extension() == ".jar" && each->is_regular_file(error))
      jars.push_back(each->path().lexically_relative(directory).string());
  if (error)
    return failure{failure_code::internal,
                   fmt::format("cannot look for jars in {}: {}", directory, error.message()),
                   {}};
  if (jars.empty())
    return failure{
      failure_code::not_found,
      fmt::format("cannot run the main class {}: what was downloaded has no *.jar", main_class),
      {}};
  std::sort(jars.begin(), jars.end());
  return std::vector<std::string>{"-cp", fmt::format("{}", fmt::join(jars, ":")), main_class};
}

std::string host_name() {
  std::array<char, 256> name{};
  return gethostname(name.data(), name.size() - 1) == 0 ? name.data() : "localhost";
}

launch_order filled(launch_order order, const std::string& data) {
  auto host = host_name();
  auto fill = [&](std::string& text) {
    text = messages::with_variable(text, "HOSTNAME", host);
    if (!data.empty())
      text = messages::with_variable(text, "DATA", data);
  };
  for (auto& each : order.args)
    fill(each);
  for (auto& [key, value] : order.env)
    fill(value);
  if (!data.empty())
    order.env["DATA"] = data;
  return order;
}

} // namespace deployminator::agent
