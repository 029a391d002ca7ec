#include "agent/unpack/confinement.hpp"

#include <fmt/format.h>

#include <array>
#include <cerrno>
#include <csignal>
#include <cstddef>
#include <cstring>
#include <grp.h>
#include <poll.h>
#include <unistd.h>

#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>

namespace deployminator::agent::unpack {

using messages::failure;
using messages::failure_code;
using messages::result;

namespace {

failure failed(std::string_view what) {
  return {failure_code::internal, fmt::format("cannot {}: {}", what, std::strerror(errno)), {}};
}

bool limit(__rlimit_resource what, rlim_t most) {
  rlimit now{};
  if (getrlimit(what, &now))
    return false;
  now.rlim_cur = now.rlim_max = std::min(now.rlim_max, most);
  return setrlimit(what, &now) == 0;
}

bool become(std::int64_t uid) {
  auto id = static_cast<uid_t>(uid);
  return setgroups(0, nullptr) == 0 && setresgid(id, id, id) == 0 && setresuid(id, id, id) == 0;
}

// A sanitizer's run-time needs address space without end, and processes of its own.
#if defined(__SANITIZE_ADDRESS__)
constexpr bool sanitized = true;
#elif defined(__has_feature)
#  if __has_feature(address_sanitizer)
constexpr bool sanitized = true;
#  else
constexpr bool sanitized = false;
#  endif
#else
constexpr bool sanitized = false;
#endif

#if defined(__x86_64__)
constexpr std::uint32_t architecture = AUDIT_ARCH_X86_64;
#elif defined(__aarch64__)
constexpr std::uint32_t architecture = AUDIT_ARCH_AARCH64;
#else
#  error "name this machine's AUDIT_ARCH_ here"
#endif

/// Answers EPERM to the system calls that make sockets, processes or programs of other files.
bool filter_calls() {
  constexpr std::array<std::uint32_t, 11> denied{SYS_socket,   SYS_socketpair, SYS_execve,
                                                 SYS_execveat, SYS_clone,      SYS_clone3,
#ifdef SYS_fork
                                                 SYS_fork,     SYS_vfork,
#else
                                                 SYS_clone,    SYS_clone,
#endif
                                                 SYS_ptrace,   SYS_kill,       SYS_io_uring_setup};
  constexpr sock_filter deny{BPF_RET | BPF_K, 0, 0, SECCOMP_RET_ERRNO | EPERM};
  std::array<sock_filter, 6 + 2 * denied.size() + 1> program{};
  std::size_t n = 0;
  program[n++] = BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(seccomp_data, arch));
  program[n++] = BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, architecture, 1, 0);
  program[n++] = deny;
  program[n++] = BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(seccomp_data, nr));
  // The x32 calls of x86-64, the same under other numbers.
  program[n++] = BPF_JUMP(BPF_JMP | BPF_JGE | BPF_K, 0x40000000U, 0, 1);
  program[n++] = deny;
  for (auto call : denied) {
    program[n++] = BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, call, 0, 1);
    program[n++] = deny;
  }
  program[n++] = BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW);
  sock_fprog whole{static_cast<unsigned short>(n), program.data()};
  return prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &whole, 0, 0) == 0;
}

} // namespace

result<void> confine(const std::string& directory, std::int64_t uid, std::uint64_t most_bytes) {
  constexpr rlim_t most_memory = rlim_t{2} << 30;
  constexpr rlim_t most_seconds = 3600;
  umask(022);
  close_range(3, ~0U, 0);
  // A file beyond its limit is an error to report, not a death.
  std::signal(SIGXFSZ, SIG_IGN);
  if (chdir(directory.c_str()))
    return failed("enter " + directory);
  if (uid >= 0 && !become(static_cast<std::int64_t>(uid)))
    return failed(fmt::format("become user {}", uid));
  if (!limit(RLIMIT_CORE, 0) || !limit(RLIMIT_CPU, most_seconds) || !limit(RLIMIT_FSIZE, most_bytes)
      || (!sanitized && !limit(RLIMIT_AS, most_memory)))
    return failed("set its own limits");
  if (prctl(PR_SET_PDEATHSIG, SIGKILL))
    return failed("end with the agent");
  // Where the agent ended before, nobody reads what this says any more.
  pollfd reader{STDERR_FILENO, 0, 0};
  if (poll(&reader, 1, 0) == 1 && (reader.revents & POLLERR))
    _exit(1);
  if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) || (!sanitized && !filter_calls()))
    return failed("give up its rights");
  return {};
}

} // namespace deployminator::agent::unpack
