#include "agent/starter/leftovers.hpp"

#include "agent/starter/program.hpp"

#include <cerrno>
#include <csignal>
#include <cstdlib>
#include <cstring>
#include <ctime>
#include <dirent.h>
#include <fcntl.h>
#include <unistd.h>

#include <sys/syscall.h>
#include <sys/wait.h>

namespace deployminator::agent::starter {

namespace {

/// Calls `visit` with the process id of every process there is and with an fd of its directory in
/// /proc.
template <class Visit>
void each_process(Visit visit) {
  int proc = open("/proc", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  alignas(dirent64) char entries[4096];
  for (;;) {
    auto size = syscall(SYS_getdents64, proc, entries, sizeof entries);
    if (size <= 0)
      break;
    for (long at = 0; at < size;) {
      auto* entry = reinterpret_cast<dirent64*>(entries + at);
      at += entry->d_reclen;
      pid_t pid = static_cast<pid_t>(strtol(entry->d_name, nullptr, 10));
      if (pid <= 0)
        continue;
      int dir = openat(proc, entry->d_name, O_PATH | O_DIRECTORY | O_CLOEXEC);
      if (dir < 0)
        continue;
      visit(pid, dir);
      close(dir);
    }
  }
  close(proc);
}

/// Reads a file of /proc/PID, ended by a zero byte; its size.
long read_file(int dir, const char* name, char* out, long size) {
  int fd = openat(dir, name, O_RDONLY | O_CLOEXEC);
  long used = 0;
  while (fd >= 0 && used < size - 1) {
    auto got = read(fd, out + used, static_cast<std::size_t>(size - 1 - used));
    if (got <= 0)
      break;
    used += got;
  }
  if (fd >= 0)
    close(fd);
  out[used] = 0;
  return used;
}

pid_t parent_of(int dir) {
  char stat[512];
  read_file(dir, "stat", stat, sizeof stat);
  // The name in brackets may contain anything; the state and the parent follow the last bracket.
  char* end = strrchr(stat, ')');
  return end ? static_cast<pid_t>(strtol(end + 4, nullptr, 10)) : 0;
}

/// Whether the process of this directory in /proc descends from `ancestor`.
bool descends_from(pid_t ancestor, int dir) {
  int proc = open("/proc", O_PATH | O_DIRECTORY | O_CLOEXEC);
  pid_t parent = parent_of(dir);
  // A process whose parent ends gets another one, so there may be no end to it.
  for (int generations = 0; parent > 1 && parent != ancestor && generations < 4096; ++generations) {
    char name[16];
    char* digit = name + sizeof name;
    *--digit = 0;
    for (auto rest = parent; rest > 0; rest /= 10)
      *--digit = static_cast<char>('0' + rest % 10);
    int above = openat(proc, digit, O_PATH | O_DIRECTORY | O_CLOEXEC);
    parent = above < 0 ? 0 : parent_of(above);
    if (above >= 0)
      close(above);
  }
  close(proc);
  return parent == ancestor;
}

bool runs_as(int dir, long uid) {
  char status[1024];
  read_file(dir, "status", status, sizeof status);
  char* line = strstr(status, "\nUid:\t");
  return line && strtol(line + 6, nullptr, 10) == uid;
}

bool is_zombie(int dir) {
  char stat[512];
  read_file(dir, "stat", stat, sizeof stat);
  char* end = strrchr(stat, ')');
  return !end || end[2] == 'Z' || end[2] == 'X';
}

/// Static, since it is needed rarely and then once.
char environment[256 * 1024];

bool has_home(int dir, const char* home) {
  long size = read_file(dir, "environ", environment, sizeof environment);
  for (long at = 0; at < size; at += static_cast<long>(strlen(environment + at)) + 1)
    if (strncmp(environment + at, "HOME=", 5) == 0 && strcmp(environment + at + 5, home) == 0)
      return true;
  return false;
}

/// One kill(-1) of the user's own reaches all its processes at once, and none can fork away from
/// it.
void signal_user(long uid, int signal) {
  pid_t child = fork();
  if (child == 0) {
    if (become_user(uid))
      _exit(1);
    kill(-1, signal);
    _exit(0);
  }
  if (child > 0)
    waitpid(child, nullptr, 0);
}

void kill_children() {
  pid_t self = getpid();
  // A child that was not reaped keeps its id, so this cannot hit a stranger.
  each_process([self](pid_t pid, int dir) {
    if (parent_of(dir) == self)
      kill(pid, SIGKILL);
  });
}

/// Kills what the instance left and tells whether there was anything.
bool sweep_once(long uid, const char* home) {
  bool found = false;
  if (uid >= 0)
    signal_user(uid, SIGKILL);
  pid_t self = getpid();
  each_process([&](pid_t pid, int dir) {
    if (pid == self || is_zombie(dir))
      return;
    if (uid >= 0) {
      found = found || runs_as(dir, uid);
      return;
    }
    int process = static_cast<int>(syscall(SYS_pidfd_open, pid, 0));
    // `dir` and `process` name the same process if `dir` can still be read.
    if (process >= 0 && has_home(dir, home)) {
      found = true;
      syscall(SYS_pidfd_send_signal, process, SIGKILL, nullptr, 0);
    }
    if (process >= 0)
      close(process);
  });
  return found;
}

/// `dir` and what `of` is opened for name the same process if `dir` can still be read then.
void signal_if_descendant(pid_t of, int dir, int signal) {
  int process = static_cast<int>(syscall(SYS_pidfd_open, of, 0));
  if (process < 0)
    return;
  if (descends_from(getpid(), dir))
    syscall(SYS_pidfd_send_signal, process, signal, nullptr, 0);
  close(process);
}

} // namespace

void signal_descendants(long uid, int signal) {
  if (uid >= 0)
    return signal_user(uid, signal);
  each_process([signal](pid_t pid, int dir) { signal_if_descendant(pid, dir, signal); });
}

void kill_descendants(long uid) {
  for (;;) {
    pid_t reaped = 0;
    while ((reaped = waitpid(-1, nullptr, WNOHANG)) > 0)
      ;
    if (uid >= 0)
      signal_user(uid, SIGKILL);
    if (reaped < 0 && errno == ECHILD)
      return;
    // The children of a child that dies become ours before we can reap it: one generation a turn.
    kill_children();
    waitpid(-1, nullptr, 0);
  }
}

int sweep(long uid, const char* home) {
  while (sweep_once(uid, home)) {
    timespec moment{0, 2'000'000};
    nanosleep(&moment, nullptr);
  }
  return 0;
}

} // namespace deployminator::agent::starter
