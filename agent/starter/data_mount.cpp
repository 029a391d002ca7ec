#include "agent/starter/data_mount.hpp"

#include "agent/starter/log_header.hpp"
#include "agent/starter/protocol.hpp"

#include <cerrno>
#include <csignal>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <fcntl.h>
#include <sched.h>
#include <unistd.h>

#include <linux/mount.h>
#include <sys/syscall.h>
#include <sys/wait.h>

namespace deployminator::agent::starter {

namespace {

/// The directory of a process in /proc.
int open_process(pid_t process) {
  char path[32];
  std::strcpy(path, "/proc/");
  *put_number(path + std::strlen(path), static_cast<std::uint64_t>(process), 1) = 0;
  return open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);
}

/// Says in a namespace's map that its `owner` is `uid` here; an errno, or 0.
int write_map(int process, const char* name, long owner, long uid) {
  char map[64];
  char* to = put_number(map, static_cast<std::uint64_t>(owner), 1);
  *to++ = ' ';
  to = put_number(to, static_cast<std::uint64_t>(uid), 1);
  std::memcpy(to, " 1", 2);
  int file = openat(process, name, O_WRONLY | O_CLOEXEC);
  if (file < 0)
    return errno;
  int error = write(file, map, static_cast<std::size_t>(to + 2 - map)) < 0 ? errno : 0;
  close(file);
  return error;
}

/// The child of `map_user`: says whether it has its namespace, and waits for its end.
[[noreturn]] void hold_namespace(int answer) {
  int error = unshare(CLONE_NEWUSER) ? errno : 0;
  if (write(answer, &error, sizeof error) == sizeof error)
    pause();
  _exit(0);
}

/// The user namespace of this process, with its maps written; its errno negative.
int mapped_namespace(pid_t holder, long owner, long uid) {
  int process = open_process(holder);
  if (process < 0)
    return -errno;
  int error = write_map(process, "uid_map", owner, uid);
  if (!error)
    error = write_map(process, "gid_map", owner, uid);
  int out = error ? -error : openat(process, "ns/user", O_RDONLY | O_CLOEXEC);
  if (!error && out < 0)
    out = -errno;
  close(process);
  return out;
}

/// A user namespace in which `owner` is who is `uid` here, to be closed; its errno negative.
int map_user(long owner, long uid) {
  int ends[2];
  if (pipe2(ends, O_CLOEXEC))
    return -errno;
  pid_t child = fork();
  if (child == 0)
    hold_namespace(ends[1]);
  int out = -errno;
  close(ends[1]);
  if (child > 0) {
    int error = 0;
    bool is_told = read(ends[0], &error, sizeof error) == sizeof error;
    if (is_told && error == 0)
      out = mapped_namespace(child, owner, uid);
    else
      out = is_told ? -error : -EPIPE;
    kill(child, SIGKILL);
    waitpid(child, nullptr, 0);
  }
  close(ends[0]);
  return out;
}

/// The tree below the path as a mount that nobody sees yet; its errno negative.
int mapped_tree(const char* path, int users) {
  int tree
    = static_cast<int>(syscall(SYS_open_tree, AT_FDCWD, path, OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC));
  if (tree < 0)
    return -errno;
  mount_attr how{};
  how.attr_set = MOUNT_ATTR_IDMAP | MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV;
  how.userns_fd = static_cast<unsigned>(users);
  if (syscall(SYS_mount_setattr, tree, "", AT_EMPTY_PATH, &how, sizeof how) == 0)
    return tree;
  int error = errno;
  close(tree);
  return -error;
}

} // namespace

data_mount take_data() {
  data_mount out;
  char* text = getenv(data_variable);
  if (!text)
    return out;
  char* end = nullptr;
  out.owner = strtol(text, &end, 10);
  if (*end == ':')
    out.path = end + 1;
  // The text itself stays where it is.
  unsetenv(data_variable);
  return out;
}

int open_mapped(const data_mount& data, long uid) {
  int users = map_user(data.owner, uid);
  if (users < 0)
    return users;
  int tree = mapped_tree(data.path, users);
  close(users);
  return tree;
}

} // namespace deployminator::agent::starter
