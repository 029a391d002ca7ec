/// How fast the kernel starts programs:
///
///   deployminator-floor COUNT PROGRAM ARGS…
///
/// forks COUNT times; each child sets a limit, becomes a user of its own (as root) and executes
/// PROGRAM, an absolute path. Prints the seconds until the last of them was executed, then kills
/// them.

#include <cerrno>
#include <chrono>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <fcntl.h>
#include <grp.h>
#include <unistd.h>
#include <vector>

#include <sys/resource.h>
#include <sys/wait.h>

namespace {

constexpr uid_t first_uid = 700'000;

[[noreturn]] void become(uid_t uid, char** program, int errors) {
  setsid();
  rlimit files{1024, 1024};
  bool ready = setrlimit(RLIMIT_NOFILE, &files) == 0;
  if (ready && geteuid() == 0)
    ready = setgroups(0, nullptr) == 0 && setresgid(uid, uid, uid) == 0
            && setresuid(uid, uid, uid) == 0;
  if (ready)
    execv(program[0], program);
  int error = errno;
  _exit(write(errors, &error, sizeof error) == sizeof error ? 1 : 2);
}

/// Starts `count` programs and waits until each is executed; an errno, or 0. All children hold the
/// pipe that executing closes, so its end means that the last of them got there.
int start_all(int count, char** program, std::vector<pid_t>& started) {
  int ends[2];
  if (pipe2(ends, O_CLOEXEC))
    return errno;
  int error = 0;
  for (int n = 0; n < count && !error; ++n) {
    pid_t child = fork();
    if (child == 0)
      become(first_uid + static_cast<uid_t>(n), program, ends[1]);
    if (child > 0)
      started.push_back(child);
    else
      error = errno;
  }
  close(ends[1]);
  int reported = 0;
  if (read(ends[0], &reported, sizeof reported) == sizeof reported)
    error = reported;
  close(ends[0]);
  return error;
}

} // namespace

int main(int argc, char** argv) {
  int count = argc > 2 ? std::atoi(argv[1]) : 0;
  if (count <= 0) {
    std::fprintf(stderr, "usage: deployminator-floor COUNT PROGRAM ARGS…\n");
    return 2;
  }
  std::vector<pid_t> started;
  started.reserve(static_cast<std::size_t>(count));
  auto begin = std::chrono::steady_clock::now();
  int error = start_all(count, argv + 2, started);
  std::chrono::duration<double> passed = std::chrono::steady_clock::now() - begin;
  for (pid_t pid : started)
    kill(pid, SIGKILL);
  for (pid_t pid : started)
    waitpid(pid, nullptr, 0);
  if (error) {
    std::fprintf(stderr, "cannot start %s: %s\n", argv[2], std::strerror(error));
    return 1;
  }
  std::printf("%.6f\n", passed.count());
  return 0;
}
