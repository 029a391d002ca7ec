#include "agent/linux/child_process.hpp"

#include <fmt/format.h>

#include <cerrno>
#include <csignal>
#include <cstring>
#include <fcntl.h>
#include <poll.h>
#include <spawn.h>

#include <sys/syscall.h>
#include <sys/wait.h>

namespace deployminator::agent {

using messages::failure;
using messages::failure_code;
using messages::result;

namespace {

std::vector<char*> pointers(const std::vector<std::string>& strings) {
  std::vector<char*> out;
  for (const auto& s : strings)
    out.push_back(const_cast<char*>(s.c_str()));
  out.push_back(nullptr);
  return out;
}

/// What happens to descriptors between the spawn and the program's first instruction.
struct descriptor_plan {
  posix_spawn_file_actions_t actions;

  explicit descriptor_plan(const spawn_order& order) {
    posix_spawn_file_actions_init(&actions);
    standard(0, order.standard_input);
    standard(1, -1);
    standard(2, order.standard_error);
    for (int fd : order.inherited)
      posix_spawn_file_actions_adddup2(&actions, fd, fd);
  }
  ~descriptor_plan() {
    posix_spawn_file_actions_destroy(&actions);
  }

  void standard(int number, int fd) {
    if (fd < 0)
      posix_spawn_file_actions_addopen(&actions, number, "/dev/null", O_RDWR, 0);
    else
      posix_spawn_file_actions_adddup2(&actions, fd, number);
  }
};

struct signal_plan {
  posix_spawnattr_t attributes;

  explicit signal_plan(const spawn_order& order) {
    posix_spawnattr_init(&attributes);
    sigset_t all;
    sigfillset(&all);
    posix_spawnattr_setsigdefault(&attributes, &all);
    sigset_t mask;
    sigemptyset(&mask);
    posix_spawnattr_setsigmask(&attributes, order.signals_blocked ? &all : &mask);
    posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETSIGMASK);
  }
  ~signal_plan() {
    posix_spawnattr_destroy(&attributes);
  }
};

} // namespace

result<child_process> spawn(const spawn_order& order) {
  auto args = order.args;
  args.insert(args.begin(), order.program);
  descriptor_plan descriptors{order};
  signal_plan signals{order};
  child_process out;
  int error = posix_spawn(&out.pid, order.program.c_str(), &descriptors.actions,
                          &signals.attributes, pointers(args).data(), pointers(order.env).data());
  if (error)
    return failure{failure_code::internal,
                   fmt::format("cannot start {}: {}", order.program, std::strerror(error)),
                   {}};
  out.handle = process_handle(out.pid);
  return out;
}

owned_fd process_handle(pid_t pid) {
  return owned_fd{static_cast<int>(syscall(SYS_pidfd_open, pid, 0))};
}

bool send_signal(const owned_fd& process, int signal, int value) {
  siginfo_t info{};
  info.si_signo = signal;
  info.si_code = SI_QUEUE;
  info.si_pid = getpid();
  info.si_uid = getuid();
  info.si_value.sival_int = value;
  return syscall(SYS_pidfd_send_signal, process.get(), signal, &info, 0) == 0;
}

bool has_ended(const owned_fd& process) {
  pollfd waiting{process.get(), POLLIN, 0};
  return poll(&waiting, 1, 0) == 1;
}

std::optional<int> reap(const owned_fd& process) {
  siginfo_t info{};
  if (waitid(P_PIDFD, static_cast<id_t>(process.get()), &info, WEXITED) || info.si_pid == 0)
    return std::nullopt;
  return info.si_code == CLD_EXITED ? info.si_status : 128 + info.si_status;
}

} // namespace deployminator::agent
