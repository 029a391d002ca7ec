#include "agent/starter/clean_slate.hpp"

#include <cerrno>
#include <csignal>
#include <cstring>
#include <fcntl.h>
#include <sched.h>
#include <unistd.h>

#include <sys/personality.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>

namespace deployminator::agent::starter {

namespace {

struct limit {
  __rlimit_resource what;
  rlim_t soft;
  rlim_t hard;
};

constexpr rlim_t none = RLIM_INFINITY;
constexpr rlim_t mib = 1024 * 1024;

/// As systemd's DefaultLimit… are, but that nothing is dumped: an instance's home is not for cores.
constexpr limit limits[] = {
  {RLIMIT_CPU, none, none},
  {RLIMIT_FSIZE, none, none},
  {RLIMIT_DATA, none, none},
  {RLIMIT_STACK, 8 * mib, none},
  {RLIMIT_CORE, 0, 0},
  {RLIMIT_RSS, none, none},
  // Programs that use select() rely on 1024.
  {RLIMIT_NOFILE, 1024, 524'288},
  {RLIMIT_AS, none, none},
  {RLIMIT_LOCKS, none, none},
  {RLIMIT_MEMLOCK, 8 * mib, 8 * mib},
  {RLIMIT_MSGQUEUE, 819'200, 819'200},
  {RLIMIT_NICE, 0, 0},
  {RLIMIT_RTPRIO, 0, 0},
  {RLIMIT_RTTIME, none, none},
};

/// Those whose usual value depends on the machine: as its first process has them.
constexpr __rlimit_resource limits_of_machine[] = {RLIMIT_NPROC, RLIMIT_SIGPENDING};

int set_limits(unsigned others) {
  for (const auto& each : limits) {
    if (others & 1U << each.what)
      continue;
    if (int error = set_limit(each.what, each.soft, each.hard))
      return error;
  }
  for (auto each : limits_of_machine) {
    if (others & 1U << each)
      continue;
    rlimit of_machine{};
    if (prlimit(1, each, nullptr, &of_machine) == 0)
      if (int error = set_limit(each, of_machine.rlim_cur, of_machine.rlim_max))
        return error;
  }
  return 0;
}

void write_oom_score() {
  int file = open("/proc/self/oom_score_adj", O_WRONLY | O_CLOEXEC);
  if (file < 0)
    return;
  // Who may not make it lower keeps the agent's.
  if (write(file, "0", 1) < 0)
    errno = 0;
  close(file);
}

void reset_scheduling() {
  sched_param param{};
  sched_setscheduler(0, SCHED_OTHER, &param);
  unsigned long processors[128];
  std::memset(processors, 0xff, sizeof processors);
  syscall(SYS_sched_setaffinity, 0, sizeof processors, processors);
  constexpr int this_process = 1;
  syscall(SYS_ioprio_set, this_process, 0, 0);
  constexpr int by_default = 0;
  syscall(SYS_set_mempolicy, by_default, nullptr, 0);
}

void reset_signals() {
  for (int signal = 1; signal < NSIG; ++signal)
    std::signal(signal, SIG_DFL);
  sigset_t nothing;
  sigemptyset(&nothing);
  sigprocmask(SIG_SETMASK, &nothing, nullptr);
}

} // namespace

int set_limit(__rlimit_resource what, rlim_t soft, rlim_t hard) {
  rlimit wanted{soft, hard};
  if (setrlimit(what, &wanted) == 0)
    return 0;
  rlimit now{};
  if (errno != EPERM || getrlimit(what, &now))
    return errno;
  wanted.rlim_max = hard < now.rlim_max ? hard : now.rlim_max;
  wanted.rlim_cur = soft < wanted.rlim_max ? soft : wanted.rlim_max;
  return setrlimit(what, &wanted) ? errno : 0;
}

int begin_clean(unsigned others) {
  write_oom_score();
  reset_scheduling();
  personality(PER_LINUX);
  prctl(PR_SET_THP_DISABLE, 0, 0, 0, 0);
  prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0);
  umask(022);
  reset_signals();
  return set_limits(others);
}

} // namespace deployminator::agent::starter
