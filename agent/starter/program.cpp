#include "agent/starter/program.hpp"

#include "agent/starter/clean_slate.hpp"
#include "agent/starter/number_list.hpp"

#include <cerrno>
#include <climits>
#include <csignal>
#include <cstring>
#include <fcntl.h>
#include <grp.h>
#include <iterator>
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

/// This process and all that it starts; an errno, or 0.
int enter_group(const char* directory, std::size_t length) {
  constexpr char list[] = "/cgroup.procs";
  char path[PATH_MAX];
  if (length + sizeof list > sizeof path)
    return ENAMETOOLONG;
  std::memcpy(path, directory, length);
  std::memcpy(path + length, list, sizeof list);
  int file = open(path, O_WRONLY | O_CLOEXEC);
  if (file < 0)
    return errno;
  int error = write(file, "0", 1) < 0 ? errno : 0;
  close(file);
  return error;
}

int enter_groups(const char* list) {
  while (*list) {
    auto length = strcspn(list, ":");
    if (int error = enter_group(list, length))
      return error;
    list += list[length] ? length + 1 : length;
  }
  return 0;
}

int set_limits(const program& p) {
  if (int error = enter_groups(p.groups))
    return error;
  struct given_limit {
    __rlimit_resource what;
    long long most;
  };
  const given_limit given[] = {{RLIMIT_AS, p.limits.address_space},
                               {RLIMIT_NOFILE, p.limits.open_files},
                               {RLIMIT_NPROC, p.limits.processes},
                               {RLIMIT_CORE, p.limits.core_size}};
  unsigned others = 0;
  for (const auto& each : given)
    if (each.most != as_usual)
      others |= 1U << each.what;
  if (int error = begin_clean(others))
    return error;
  for (const auto& each : given) {
    auto most = each.most == unlimited_use ? RLIM_INFINITY : static_cast<rlim_t>(each.most);
    if (each.most != as_usual)
      if (int error = set_limit(each.what, most, most))
        return error;
  }
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
  if (p.uid >= 0 && p.beside) {
    if (int error = join_view_of(p.beside))
      return {problem::view, error};
  } else if (p.uid >= 0) {
    if (auto view = take_own_view({p.directory, p.home, p.data, p.uid}); view.error)
      return {view.is_data ? problem::data : problem::view, view.error};
  }
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

program_limits limits_in(const char* list) {
  program_limits out;
  long long* parts[] = {&out.address_space, &out.open_files, &out.processes, &out.core_size};
  std::size_t at = 0;
  each_number(list, [&](long number) {
    if (at < std::size(parts))
      *parts[at++] = number;
  });
  return out;
}

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
