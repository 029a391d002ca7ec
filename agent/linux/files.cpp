#include "agent/linux/files.hpp"

#include "agent/linux/owned_fd.hpp"

#include <fmt/format.h>

#include <array>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <dirent.h>
#include <fcntl.h>
#include <functional>
#include <memory>
#include <vector>

#include <sys/stat.h>

namespace deployminator::agent {

using messages::failure;
using messages::failure_code;
using messages::result;

namespace {

std::string directory_of(const std::string& path) {
  auto slash = path.rfind('/');
  return slash == std::string::npos ? "." : path.substr(0, slash + 1);
}

bool write_all(int fd, const std::string& data) {
  for (std::size_t done = 0; done < data.size();) {
    auto n = write(fd, data.data() + done, data.size() - done);
    if (n < 0 && errno != EINTR)
      return false;
    done += n < 0 ? 0 : static_cast<std::size_t>(n);
  }
  return true;
}

struct dir_entry {
  std::string name;
  bool is_dir;
};

bool is_directory(int dir, const char* name) {
  struct stat info {};
  return fstatat(dir, name, &info, AT_SYMLINK_NOFOLLOW) == 0 && S_ISDIR(info.st_mode);
}

/// What the directory `dir` holds; errno is set where that cannot be read.
std::vector<dir_entry> entries_of(int dir) {
  std::vector<dir_entry> out;
  auto close_stream = [](DIR* d) { closedir(d); };
  std::unique_ptr<DIR, decltype(close_stream)> stream{
    fdopendir(openat(dir, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC)), close_stream};
  while (auto* entry = stream ? readdir(stream.get()) : nullptr) {
    std::string name = entry->d_name;
    if (name != "." && name != "..")
      out.push_back({name, entry->d_type == DT_DIR
                             || (entry->d_type == DT_UNKNOWN && is_directory(dir, entry->d_name))});
  }
  return out;
}

/// Opens a directory that its owner may have closed against himself.
owned_fd open_for_removal(int parent, const std::string& name) {
  owned_fd handle{openat(parent, name.c_str(), O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC)};
  if (handle)
    chmod(fmt::format("/proc/self/fd/{}", handle.get()).c_str(), 0700);
  return owned_fd{openat(parent, name.c_str(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC)};
}

/// Empties a directory. Directories below its children are moved up into it first, so a tree of any
/// depth needs two descriptors.
bool empty_directory(int top) {
  std::uint64_t moved = 0;
  for (auto all = entries_of(top); !all.empty(); all = entries_of(top)) {
    for (const auto& child : all) {
      if (!child.is_dir) {
        if (unlinkat(top, child.name.c_str(), 0))
          return false;
        continue;
      }
      auto dir = open_for_removal(top, child.name);
      if (!dir)
        return false;
      for (const auto& e : entries_of(dir.get())) {
        int error = 0;
        if (!e.is_dir)
          error = unlinkat(dir.get(), e.name.c_str(), 0);
        else if (unlinkat(dir.get(), e.name.c_str(), AT_REMOVEDIR)) {
          open_for_removal(dir.get(), e.name);
          do
            error = renameat2(dir.get(), e.name.c_str(), top,
                              fmt::format(".removed.{}", moved++).c_str(), RENAME_NOREPLACE);
          while (error && errno == EEXIST);
        }
        if (error)
          return false;
      }
      if (unlinkat(top, child.name.c_str(), AT_REMOVEDIR))
        return false;
    }
  }
  return true;
}

} // namespace

failure file_failure(const char* what, const std::string& path) {
  int error = errno;
  failure out{error == ENOENT ? failure_code::not_found : failure_code::internal,
              fmt::format("cannot {} {}: {}", what, path, std::strerror(error)),
              {}};
  if (error == ENOSPC || error == EDQUOT)
    out.hint = "free some space there, then try again";
  return out;
}

result<std::string> read_file(const std::string& path) {
  owned_fd fd{open(path.c_str(), O_RDONLY | O_CLOEXEC)};
  if (!fd)
    return file_failure("read", path);
  std::string out;
  std::array<char, 64 * 1024> buffer;
  for (;;) {
    auto n = read(fd.get(), buffer.data(), buffer.size());
    if (n == 0)
      return out;
    if (n < 0 && errno != EINTR)
      return file_failure("read", path);
    out.append(buffer.data(), n < 0 ? 0 : static_cast<std::size_t>(n));
  }
}

result<void> replace_file(const std::string& path, const std::string& data, bool durable) {
  auto temporary = path + ".tmp";
  owned_fd fd{open(temporary.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600)};
  if (!fd || !write_all(fd.get(), data) || (durable && fsync(fd.get()))) {
    auto why = file_failure("write", temporary);
    unlink(temporary.c_str());
    return why;
  }
  if (rename(temporary.c_str(), path.c_str()))
    return file_failure("replace", path);
  if (!durable)
    return {};
  owned_fd dir{open(directory_of(path).c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC)};
  if (!dir || fsync(dir.get()))
    return file_failure("sync the directory of", path);
  return {};
}

result<void> remove_tree(const std::string& path) {
  if (unlink(path.c_str()) == 0 || errno == ENOENT)
    return {};
  auto dir = open_for_removal(AT_FDCWD, path);
  if (!dir || !empty_directory(dir.get()) || (rmdir(path.c_str()) && errno != ENOENT))
    return file_failure("remove", path);
  return {};
}

std::string boot_id() {
  auto text = read_file("/proc/sys/kernel/random/boot_id");
  return text ? *text : std::string{};
}

std::string size_text(std::uint64_t bytes) {
  constexpr std::array units{"B", "KiB", "MiB", "GiB", "TiB"};
  auto value = static_cast<double>(bytes);
  std::size_t unit = 0;
  for (; value >= 1024 && unit + 1 < units.size(); ++unit)
    value /= 1024;
  return unit == 0 ? fmt::format("{} B", bytes) : fmt::format("{:.1f} {}", value, units[unit]);
}

} // namespace deployminator::agent
