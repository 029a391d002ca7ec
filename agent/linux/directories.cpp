#include "agent/linux/directories.hpp"

#include "agent/linux/files.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>
#include <fcntl.h>
#include <filesystem>
#include <thread>

#include <sys/file.h>
#include <sys/stat.h>

namespace deployminator::agent {

using messages::failure;
using messages::failure_code;
using messages::result;

namespace {

namespace fs = std::filesystem;

/// Makes one directory with `mode`; its parents, where they are missing, are for everybody.
result<void> make_directory(const std::string& path, mode_t mode) {
  std::error_code error;
  fs::create_directories(fs::path{path}.parent_path(), error);
  if (error) {
    errno = error.value();
    return file_failure("create the directory of", path);
  }
  if (mkdir(path.c_str(), mode) && errno != EEXIST)
    return file_failure("create the directory", path);
  if (chmod(path.c_str(), mode))
    return file_failure("set the mode of the directory", path);
  return {};
}

/// Instances run as users of their own, who must be able to reach their directories.
result<void> check_reachable(const std::string& path) {
  for (fs::path dir = path; dir != dir.root_path(); dir = dir.parent_path()) {
    struct stat info {};
    if (stat(dir.c_str(), &info))
      return file_failure("look at", dir.string());
    if (!(info.st_mode & S_IXOTH))
      return failure{failure_code::refused,
                     fmt::format("the users that instances run as cannot reach {}, because {} is "
                                 "closed to others (mode {:o})",
                                 path, dir.string(), info.st_mode & 07777),
                     fmt::format("chmod o+x {}, or choose another directory", dir.string())};
  }
  return {};
}

result<void> take_one(int fd, const std::string& name, const std::string& lib) {
  // An agent that was killed holds its lock until the kernel has taken it apart.
  bool taken = flock(fd, LOCK_EX | LOCK_NB) == 0;
  for (int i = 0; i < 40 && !taken && errno == EWOULDBLOCK; ++i) {
    std::this_thread::sleep_for(std::chrono::milliseconds{50});
    taken = flock(fd, LOCK_EX | LOCK_NB) == 0;
  }
  if (taken)
    return {};
  if (errno != EWOULDBLOCK)
    return file_failure("lock", name);
  return failure{failure_code::refused,
                 fmt::format("another autodeployer is running on {} (it holds {})", lib, name),
                 "stop it first, or give this one another --root"};
}

} // namespace

bool is_instance_id(const std::string& id) {
  return !id.empty() && id.size() <= 64 && std::all_of(id.begin(), id.end(), [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-';
  });
}

directories directories_below(const std::string& root) {
  if (root.empty())
    return {"/var/lib/autodeployer", "/var/cache/autodeployer", "/var/log/autodeployer",
            "/run/autodeployer"};
  auto base = fs::absolute(root).lexically_normal().string();
  if (base.size() > 1 && base.back() == '/')
    base.pop_back();
  return {base + "/lib", base + "/cache", base + "/log", base + "/run"};
}

result<directories_lock> take(const directories& where) {
  // 0711: an instance's user reaches its own directory, whose name it knows, and lists nothing.
  const std::array<std::pair<std::string, mode_t>, 8> wanted{{{where.lib, 0711},
                                                              {where.instances(), 0711},
                                                              {where.data(), 0711},
                                                              {where.trees(), 0700},
                                                              {where.journal(), 0700},
                                                              {where.cache, 0700},
                                                              {where.log, 0711},
                                                              {where.run, 0711}}};
  for (const auto& [path, mode] : wanted)
    if (auto made = make_directory(path, mode); !made)
      return made.error();
  if (geteuid() == 0)
    if (auto reachable = check_reachable(where.instances()); !reachable)
      return reachable.error();
  auto path = where.lib + "/lock";
  directories_lock out;
  out.file = owned_fd{open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600)};
  out.lib = owned_fd{open(where.lib.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC)};
  if (!out.file || !out.lib)
    return file_failure("open", out.file ? where.lib : path);
  for (auto [fd, name] : {std::pair{out.file.get(), path}, std::pair{out.lib.get(), where.lib}})
    if (auto taken = take_one(fd, name, where.lib); !taken)
      return taken.error();
  return out;
}

result<helper_programs> find_helper_programs() {
  std::error_code error;
  auto here = fs::read_symlink("/proc/self/exe", error).parent_path();
  const std::array candidates{here, (here / "../libexec/autodeployer").lexically_normal()};
  for (const auto& dir : candidates) {
    helper_programs found{dir / "autodeployer-starter", dir / "autodeployer-unpack"};
    if (access(found.starter.c_str(), X_OK) == 0 && access(found.unpack.c_str(), X_OK) == 0)
      return found;
  }
  return failure{failure_code::not_found,
                 fmt::format("autodeployer-starter and autodeployer-unpack are neither in {} nor "
                             "in {}",
                             candidates[0].string(), candidates[1].string()),
                 "install them together with autodeployer"};
}

} // namespace deployminator::agent
