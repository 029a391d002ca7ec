#include "agent/starter/program.hpp"

#include "agent/starter/clean_slate.hpp"

#include <cerrno>
#include <csignal>
#include <fcntl.h>
#include <grp.h>
#include <unistd.h>

#include <linux/close_range.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>

extern char** environ;

namespace deployminator::agent::starter {

namespace {

/// What a child tells its parent when it cannot become the program.
struct report {
  problem failed;
  int error;
};

/// The null device as input, the pipes as output; an errno, or 0.
int redirect(const program& p) {
  int null = open("/dev/null", O_RDWR | O_CLOEXEC);
  if (null < 0 || dup2(null, 0) < 0)
    return errno;
  for (int n = 0; n < 2; ++n)
    if (dup2(p.output[n] < 0 ? null : p.output[n], n + 1) < 0)
      return errno;
  return 0;
}

int set_limits(const program& p) {
  if (int error = begin_clean())
    return error;
  if (p.memory_mb)
    if (int error = set_limit(RLIMIT_AS, p.memory_mb * 1024 * 1024, p.memory_mb * 1024 * 1024))
      return error;
  // Without root nothing can run with a higher priority than the agent; then it keeps the agent's.
  if (setpriority(PRIO_PROCESS, 0, p.nice) && errno != EACCES && errno != EPERM)
    return errno;
  return 0;
}

report become(const program& p, pid_t parent) {
  setsid();
  if (int error = redirect(p))
    return {problem::output, error};
  if (int error = set_limits(p))
    return {problem::limits, error};
  if (p.uid >= 0)
    if (auto view = take_own_view({p.directory, p.home, p.data, p.uid}); view.error)
      return {view.is_data ? problem::data : problem::view, view.error};
  if (p.uid >= 0)
    if (int error = become_user(p.uid))
      return {problem::user, error};
  // No setuid program may lift it out of reach of the signals that end it.
  if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0))
    return {problem::user, errno};
  if (chdir(p.home))
    return {problem::home, errno};
  // After the change of user, which clears it.
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  if (getppid() != parent)
    _exit(1);
  close_range(3, ~0U, CLOSE_RANGE_CLOEXEC);
  execve(p.args[0], p.args, environ);
  return {problem::exec, errno};
}

} // namespace

int become_user(long uid) {
  auto id = static_cast<uid_t>(uid);
  for (int capability = 0; prctl(PR_CAPBSET_DROP, capability, 0, 0, 0) == 0; ++capability)
    ;
  if (setgroups(0, nullptr) || setresgid(id, id, id) || setresuid(id, id, id))
    return errno;
  return 0;
}

started start(const program& p) {
  int ends[2];
  if (pipe2(ends, O_CLOEXEC))
    return {0, problem::fork, errno};
  pid_t parent = getpid();
  pid_t child = fork();
  if (child == 0) {
    report r = become(p, parent);
    if (write(ends[1], &r, sizeof r) < 0)
      _exit(2);
    _exit(1);
  }
  int error = errno;
  close(ends[1]);
  report r{problem::none, 0};
  if (child < 0)
    r = {problem::fork, error};
  else if (read(ends[0], &r, sizeof r) == sizeof r)
    waitpid(child, nullptr, 0);
  close(ends[0]);
  return {r.failed == problem::none ? child : 0, r.failed, r.error};
}

} // namespace deployminator::agent::starter
