#include "agent/starter/check.hpp"

#include "agent/starter/leftovers.hpp"
#include "agent/starter/program.hpp"

#include <cerrno>
#include <csignal>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <ctime>
#include <fcntl.h>
#include <poll.h>
#include <unistd.h>

#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/wait.h>

namespace deployminator::agent::starter {

namespace {

/// What the check printed first; the rest is read and dropped, so that it does not wait for us.
struct first_words {
  int fd = -1;
  char text[4096];
  std::size_t size = 0;

  /// False: nothing is there now.
  bool take() {
    char rest[4096];
    bool has_room = size < sizeof text;
    auto got = has_room ? read(fd, text + size, sizeof text - size) : read(fd, rest, sizeof rest);
    if (got > 0 && has_room)
      size += static_cast<std::size_t>(got);
    if (got == 0) {
      close(fd);
      fd = -1;
    }
    return got > 0;
  }
};

std::int64_t check_clock_ms() {
  timespec now{};
  clock_gettime(CLOCK_MONOTONIC, &now);
  return std::int64_t{now.tv_sec} * 1'000 + now.tv_nsec / 1'000'000;
}

int report_result(int to, const char* what, const first_words& seen) {
  dprintf(to, "%s\n", what);
  for (std::size_t done = 0; done < seen.size;) {
    auto wrote = write(to, seen.text + done, seen.size - done);
    if (wrote <= 0)
      break;
    done += static_cast<std::size_t>(wrote);
  }
  return 0;
}

/// Waits for the program's end; false: its time is over.
bool await_check(pid_t program, std::int64_t deadline, first_words& seen, int& status) {
  sigset_t child;
  sigemptyset(&child);
  sigaddset(&child, SIGCHLD);
  int signals = signalfd(-1, &child, SFD_CLOEXEC | SFD_NONBLOCK);
  for (;;) {
    if (waitpid(program, &status, WNOHANG) == program)
      return true;
    auto left = deadline - check_clock_ms();
    if (left <= 0)
      return false;
    pollfd all[2] = {{signals, POLLIN, 0}, {seen.fd, POLLIN, 0}};
    // A signal that came between the two looks is not waited for long.
    poll(all, 2, static_cast<int>(left < 100 ? left : 100));
    signalfd_siginfo ignored;
    while (read(signals, &ignored, sizeof ignored) == sizeof ignored)
      ;
    if (seen.fd >= 0 && all[1].revents)
      seen.take();
  }
}

} // namespace

int check(char** args) {
  auto begun = check_clock_ms();
  int to = static_cast<int>(strtol(args[0], nullptr, 10));
  fcntl(to, F_SETFD, FD_CLOEXEC);
  program how{};
  how.home = args[2];
  how.uid = strtol(args[3], nullptr, 10);
  how.limits = limits_in(args[4]);
  how.nice = static_cast<int>(strtol(args[5], nullptr, 10));
  how.groups = args[6];
  how.beside = static_cast<pid_t>(strtol(args[7], nullptr, 10));
  how.args = args + 8;
  prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0);
  int pipe[2];
  if (pipe2(pipe, O_CLOEXEC))
    return errno;
  fcntl(pipe[0], F_SETFL, O_NONBLOCK);
  first_words seen;
  seen.fd = pipe[0];
  how.output[0] = how.output[1] = pipe[1];
  auto begin = start(how);
  close(pipe[1]);
  char what[64];
  if (!begin.pid) {
    snprintf(what, sizeof what, "failed %u %d", static_cast<unsigned>(begin.failed), begin.error);
    return report_result(to, what, seen);
  }
  int status = 0;
  bool has_ended = await_check(begin.pid, begun + strtoll(args[1], nullptr, 10), seen, status);
  // As nobody: as its user, that would be all of the instance.
  kill_descendants(-1);
  while (seen.fd >= 0 && seen.size < sizeof seen.text && seen.take())
    ;
  snprintf(what, sizeof what, "exited %d",
           WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status));
  return report_result(to, has_ended ? what : "timeout", seen);
}

} // namespace deployminator::agent::starter
