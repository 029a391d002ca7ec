#include "agent/starter/own_view.hpp"

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <fcntl.h>
#include <sched.h>
#include <unistd.h>

#include <linux/mount.h>
#include <sys/stat.h>
#include <sys/syscall.h>

extern "C" int mount(const char* source, const char* target, const char* type, unsigned long flags,
                     const void* data);

namespace deployminator::agent::starter {

namespace {

/// From <sys/mount.h>, which cannot be had together with <linux/mount.h>.
constexpr unsigned long recursive = 16384;
constexpr unsigned long slave = 1UL << 19U;
constexpr unsigned long no_suid_no_devices = 2 | 4;
constexpr unsigned long no_programs = 8;

/// A directory of which each instance has one of its own.
struct place {
  const char* path;
  /// Below `private/` of the instance's directory.
  const char* name;
};

constexpr place places[] = {{"/tmp", "tmp"}, {"/var/tmp", "var-tmp"}};

/// A tree that is to be seen at the path, as a mount that nobody sees yet; -1: none.
struct tree {
  int fd = -1;
  const char* path = nullptr;
};

bool is_below(const char* path, const char* directory) {
  auto size = std::strlen(directory);
  return std::strncmp(path, directory, size) == 0 && path[size] == '/';
}

int open_tree(int directory, const char* path) {
  auto fd = syscall(SYS_open_tree, directory, path, OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC);
  return fd < 0 ? -errno : static_cast<int>(fd);
}

/// Opens a directory in which everybody may make files, and makes it where it is not there; its
/// errno negative.
int open_shared(int parent, const char* name) {
  if (mkdirat(parent, name, 0700) && errno != EEXIST)
    return -errno;
  if (fchmodat(parent, name, 01777, 0))
    return -errno;
  return open_tree(parent, name);
}

/// Opens `private/` of the instance's directory, into which only root gets; its errno negative.
int open_private(const char* directory) {
  int parent = open(directory, O_PATH | O_DIRECTORY | O_CLOEXEC);
  if (parent < 0)
    return -errno;
  int out = mkdirat(parent, "private", 0700) && errno != EEXIST
              ? -1
              : openat(parent, "private", O_PATH | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
  out = out < 0 ? -errno : out;
  close(parent);
  return out;
}

/// Makes the directories on the way to the path, and itself.
void make_path(const char* path) {
  char part[4096];
  for (std::size_t n = 1; path[n - 1] && n < sizeof part; ++n)
    if (path[n] == '/' || !path[n]) {
      std::memcpy(part, path, n);
      part[n] = 0;
      mkdir(part, 0755);
    }
}

/// Shows the tree at its path; an errno, or 0.
int attach(tree& t) {
  if (t.fd < 0)
    return 0;
  if (is_hidden(t.path))
    make_path(t.path);
  // On some machines /var/tmp is a link to /tmp.
  auto failed = syscall(SYS_move_mount, t.fd, "", AT_FDCWD, t.path,
                        MOVE_MOUNT_F_EMPTY_PATH | MOVE_MOUNT_T_SYMLINKS);
  int error = failed ? errno : 0;
  close(t.fd);
  // A machine without the directory has nothing to hide there.
  return error == ENOENT && !is_hidden(t.path) ? 0 : error;
}

/// Gives this process places of its own, where `home` is seen all the same; an errno, or 0.
int take_places(const view& wanted) {
  int own = open_private(wanted.directory);
  if (own < 0)
    return -own;
  // All are opened before the first hides the others.
  tree trees[] = {{-1, nullptr}, {-1, nullptr}, {-1, wanted.home}};
  int error = 0;
  for (int n = 0; n < 2 && !error; ++n) {
    trees[n] = {open_shared(own, places[n].name), places[n].path};
    error = trees[n].fd < 0 ? -trees[n].fd : 0;
  }
  close(own);
  if (!error && is_hidden(wanted.home)) {
    trees[2].fd = open_tree(AT_FDCWD, wanted.home);
    // One that is not there is told where it is entered.
    error = trees[2].fd < 0 && trees[2].fd != -ENOENT ? -trees[2].fd : 0;
  }
  for (auto& each : trees)
    if (!error)
      error = attach(each);
  if (!error && mount("shm", "/dev/shm", "tmpfs", no_suid_no_devices, "mode=1777")
      && errno != ENOENT)
    error = errno;
  return error;
}

/// Shows this process those of its own user only. Before Linux 5.8 a machine has one view of them
/// for all; that one stays as it is.
void hide_processes() {
  mount("proc", "/proc", "proc", no_suid_no_devices | no_programs, "hidepid=invisible");
}

/// Enters one of the other process's namespaces, where it is not ours already; an errno, or 0.
int enter(long process, const char* name, int kind) {
  char path[64];
  snprintf(path, sizeof path, "/proc/%ld/ns/%s", process, name);
  int there = open(path, O_RDONLY | O_CLOEXEC);
  if (there < 0)
    return errno;
  snprintf(path, sizeof path, "/proc/self/ns/%s", name);
  struct stat other {};
  struct stat own {};
  bool is_ours = fstat(there, &other) == 0 && stat(path, &own) == 0 && other.st_ino == own.st_ino
                 && other.st_dev == own.st_dev;
  int error = !is_ours && setns(there, kind) ? errno : 0;
  close(there);
  return error;
}

} // namespace

bool is_hidden(const char* path) {
  for (const auto& each : places)
    if (is_below(path, each.path))
      return true;
  return false;
}

int join_view_of(long process) {
  int error = enter(process, "ipc", CLONE_NEWIPC);
  return error ? error : enter(process, "mnt", CLONE_NEWNS);
}

view_error take_own_view(const view& wanted) {
  bool has_data = wanted.data.path != nullptr;
  if (unshare(CLONE_NEWNS | CLONE_NEWIPC))
    return {errno == EPERM && !has_data ? 0 : errno, has_data};
  if (mount(nullptr, "/", nullptr, recursive | slave, nullptr))
    return {errno, has_data};
  tree data{-1, wanted.data.path};
  if (has_data) {
    data.fd = open_mapped(wanted.data, wanted.uid);
    if (data.fd < 0)
      return {-data.fd, true};
  }
  if (int error = take_places(wanted))
    return {error, false};
  hide_processes();
  return {attach(data), true};
}

} // namespace deployminator::agent::starter
