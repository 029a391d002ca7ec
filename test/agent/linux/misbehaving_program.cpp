/// What an instance may be up to: each argument is done in turn.
///   print TEXT | exit CODE | sleep | ignore-term | runaway FILE | report | limit-of-files | abort
///   | worker FILE | open-stdout | begin TEXT | flood LINES | await FILE | touch FILE

#include <cerrno>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <dirent.h>
#include <fcntl.h>
#include <string>
#include <unistd.h>

#include <sys/resource.h>

extern char** environ;

namespace {

/// Leaves a grandchild in a session of its own, which ignores SIGTERM and appends its pid to FILE.
void run_away(const char* file) {
  if (fork() != 0)
    return;
  setsid();
  std::signal(SIGTERM, SIG_IGN);
  std::signal(SIGHUP, SIG_IGN);
  if (fork() != 0)
    _exit(0);
  if (std::FILE* out = std::fopen(file, "a")) {
    std::fprintf(out, "%d\n", getpid());
    std::fclose(out);
  }
  for (;;)
    pause();
}

volatile std::sig_atomic_t told = 0;

void append(const char* file, const char* line) {
  if (std::FILE* out = std::fopen(file, "a")) {
    std::fprintf(out, "%s\n", line);
    std::fclose(out);
  }
}

/// Leaves a child that works on for a while when it is told to end. FILE gets `here`, `told` and
/// `done`, a line each.
void start_worker(const char* file) {
  if (fork() != 0)
    return;
  sigset_t term;
  sigemptyset(&term);
  sigaddset(&term, SIGTERM);
  sigset_t before;
  sigprocmask(SIG_BLOCK, &term, &before);
  std::signal(SIGTERM, [](int) { told = 1; });
  append(file, "here");
  while (told == 0)
    sigsuspend(&before);
  append(file, "told");
  usleep(200'000);
  append(file, "done");
  _exit(0);
}

/// Prints lines, as fast as it can.
void flood(int lines) {
  for (int n = 0; n < lines; ++n)
    std::printf("line %d of a flood that goes on and on\n", n);
}

void wait_for(const char* file) {
  while (access(file, F_OK) != 0)
    usleep(1'000);
}

void touch(const char* file) {
  if (std::FILE* out = std::fopen(file, "a"))
    std::fclose(out);
}

void report_limit(const char* name, __rlimit_resource what) {
  rlimit limit{};
  getrlimit(what, &limit);
  std::printf("%s=%llu\n", name, static_cast<unsigned long long>(limit.rlim_cur));
}

void report_limit_of_files() {
  rlimit limit{};
  getrlimit(RLIMIT_NOFILE, &limit);
  std::printf("%llu of %llu\n", static_cast<unsigned long long>(limit.rlim_cur),
              static_cast<unsigned long long>(limit.rlim_max));
}

void report() {
  char cwd[4096];
  std::printf("uid=%d\n", static_cast<int>(getuid()));
  std::printf("gid=%d\n", static_cast<int>(getgid()));
  std::printf("groups=%d\n", getgroups(0, nullptr));
  std::printf("cwd=%s\n", getcwd(cwd, sizeof cwd) ? cwd : "?");
  errno = 0;
  std::printf("nice=%d\n", getpriority(PRIO_PROCESS, 0));
  report_limit("as", RLIMIT_AS);
  report_limit("core", RLIMIT_CORE);
  report_limit("nofile", RLIMIT_NOFILE);
  std::printf("session=%d\n", getsid(0) == getpid());
  sigset_t blocked;
  sigprocmask(SIG_BLOCK, nullptr, &blocked);
  for (int signal = 1; signal < 64; ++signal)
    if (sigismember(&blocked, signal) == 1)
      std::printf("blocked=%d\n", signal);
  for (char** e = environ; *e; ++e)
    std::printf("env:%s\n", *e);
  DIR* fds = opendir("/proc/self/fd");
  while (auto* entry = readdir(fds))
    if (std::string name = entry->d_name; name[0] != '.' && std::stoi(name) != dirfd(fds))
      std::printf("fd:%s\n", name.c_str());
  closedir(fds);
}

} // namespace

int main(int argc, char** argv) {
  std::setvbuf(stdout, nullptr, _IOLBF, 0);
  for (int n = 1; n < argc; ++n) {
    std::string what = argv[n];
    if (what == "print")
      std::printf("%s\n", argv[++n]);
    else if (what == "begin") {
      std::printf("%s", argv[++n]);
      std::fflush(stdout);
    } else if (what == "flood")
      flood(std::atoi(argv[++n]));
    else if (what == "await")
      wait_for(argv[++n]);
    else if (what == "touch")
      touch(argv[++n]);
    else if (what == "exit")
      return std::atoi(argv[++n]);
    else if (what == "sleep")
      for (;;)
        pause();
    else if (what == "ignore-term")
      std::signal(SIGTERM, SIG_IGN);
    else if (what == "runaway")
      run_away(argv[++n]);
    else if (what == "worker")
      start_worker(argv[++n]);
    else if (what == "report")
      report();
    else if (what == "limit-of-files")
      report_limit_of_files();
    else if (what == "abort")
      std::abort();
    else if (what == "open-stdout")
      std::printf("open=%d\n", open("/dev/stdout", O_WRONLY) >= 0);
  }
  std::fflush(stdout);
  return 0;
}
