#include "agent/linux/storage_watch.hpp"

#include "agent/linux/files.hpp"
#include "agent/linux/owned_fd.hpp"

#include <fmt/format.h>

#include <array>
#include <cerrno>
#include <dirent.h>
#include <fcntl.h>
#include <memory>
#include <unistd.h>

#include <sys/stat.h>
#include <sys/statvfs.h>

namespace deployminator::agent {

namespace {

/// A disk with less than the first left for everybody is full, until it has more than the second.
constexpr std::uint64_t full_below = 1 << 20;
constexpr std::uint64_t free_above = 4 << 20;

/// Whether it can be read in full depth, as a broken disk cannot.
bool is_readable(int directory) {
  auto close_stream = [](DIR* d) { closedir(d); };
  std::unique_ptr<DIR, decltype(close_stream)> stream{
    fdopendir(openat(directory, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC)), close_stream};
  errno = 0;
  return stream && (readdir(stream.get()) || errno == 0);
}

messages::machine_trouble useless(const char* what, const std::string& path) {
  return {file_failure(what, path).message,
          {},
          fmt::format("see that it is there, and that the agent (user {}) may read and write it",
                      geteuid())};
}

} // namespace

std::vector<messages::machine_trouble> storage_watch::look() {
  std::vector<messages::machine_trouble> out;
  std::set<dev_t> seen;
  for (const auto& path : std::array{where_.lib, where_.cache, where_.log}) {
    owned_fd directory{open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC)};
    struct stat info {};
    if (!directory || fstat(directory.get(), &info) || !is_readable(directory.get()))
      out.push_back(useless("read the directory", path));
    else if (access(path.c_str(), W_OK | X_OK))
      out.push_back(useless("write to the directory", path));
    else if (seen.insert(info.st_dev).second)
      if (auto trouble = look_at_disk(path, directory.get()))
        out.push_back(std::move(*trouble));
  }
  return out;
}

std::optional<messages::machine_trouble> storage_watch::look_at_disk(const std::string& path,
                                                                     int directory) {
  struct statvfs disk {};
  if (fstatvfs(directory, &disk))
    return useless("look at the disk of", path);
  std::uint64_t left = std::uint64_t{disk.f_bavail} * disk.f_frsize;
  bool no_files_left = disk.f_files > 0 && disk.f_favail == 0;
  bool is_full = no_files_left || left < (full_.contains(path) ? free_above : full_below);
  if (!is_full) {
    full_.erase(path);
    return std::nullopt;
  }
  full_.insert(path);
  return messages::machine_trouble{
    fmt::format("the disk of {} is full", path),
    {},
    fmt::format("free {} of it; everything goes on by itself then",
                no_files_left ? "some inodes (remove files)" : size_text(free_above) + " or more")};
}

} // namespace deployminator::agent
