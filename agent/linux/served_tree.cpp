#include "agent/linux/served_tree.hpp"

#include "agent/linux/files.hpp"
#include "agent/linux/owned_fd.hpp"

#include <fmt/format.h>

#include <cerrno>
#include <fcntl.h>
#include <filesystem>
#include <system_error>
#include <unistd.h>

#include <linux/openat2.h>
#include <sys/stat.h>
#include <sys/syscall.h>

namespace deployminator::agent {

using messages::failure;
using messages::failure_code;
using messages::result;

namespace {

namespace fs = std::filesystem;

/// Whether following the path never leaves the directory. What leads nowhere does not.
bool stays_inside(int directory, const std::string& path) {
  open_how how{};
  how.flags = O_PATH | O_CLOEXEC;
  how.resolve = RESOLVE_BENEATH | RESOLVE_NO_MAGICLINKS;
  owned_fd target{
    static_cast<int>(syscall(SYS_openat2, directory, path.c_str(), &how, sizeof how))};
  return target || errno == ENOENT || errno == ENOTDIR || errno == ELOOP;
}

/// False with errno. What has these rights is not touched: its inode may be another instance's too.
bool give_rights(int directory, const std::string& path, const struct stat& info) {
  mode_t read = S_IRUSR | S_IRGRP | S_IROTH;
  mode_t enter = S_IXUSR | S_IXGRP | S_IXOTH;
  mode_t wanted = (info.st_mode & 0755) | read | (S_ISDIR(info.st_mode) ? enter : 0);
  return wanted == (info.st_mode & 07777)
         || fchmodat(directory, path.c_str(), wanted, AT_SYMLINK_NOFOLLOW) == 0;
}

result<void> make_served(int top, const std::string& directory, const std::string& path) {
  struct stat info {};
  if (fstatat(top, path.c_str(), &info, AT_SYMLINK_NOFOLLOW))
    return file_failure("look at", directory + "/" + path);
  if (!S_ISLNK(info.st_mode))
    return give_rights(top, path, info) ? result<void>{}
                                        : file_failure("make readable", directory + "/" + path);
  if (stays_inside(top, path))
    return {};
  return failure{
    failure_code::invalid,
    fmt::format("the link \"{}\" leads out of the files, so they are not published", path),
    "leave it out of the artifact"};
}

} // namespace

result<void> make_served(const std::string& directory) {
  owned_fd top{open(directory.c_str(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC)};
  if (!top)
    return file_failure("look through", directory);
  if (auto made = make_served(top.get(), directory, "."); !made)
    return made;
  std::error_code error;
  for (fs::recursive_directory_iterator it{directory, error}, end; !error && it != end;
       it.increment(error)) {
    auto path = it->path().lexically_relative(directory).string();
    if (auto made = make_served(top.get(), directory, path); !made)
      return made;
  }
  if (!error)
    return {};
  errno = error.value();
  return file_failure("look through", directory);
}

} // namespace deployminator::agent
