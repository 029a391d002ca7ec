/// The parent of one instance's program, for the instance's whole life:
///
///   autodeployer-starter DIR HOME LOG UID LIMITS NICE LOCK_FD FDS PORTS GROUPS PROGRAM ARGS…
///
/// It writes what the program prints into LOG (`BYTES:DIRECTORY`, see output.hpp). It outlives the
/// agent that spawned it, holds what is reserved for the instance (the descriptors
/// FDS, comma separated and ascending), starts the program in the control groups GROUPS and with
/// the environment that it got itself, notes in DIR/state what becomes of it, and then waits for
/// orders: see protocol.hpp.
///
///   autodeployer-starter --sweep UID HOME
///
/// kills what an instance left whose starter was killed.

#include "agent/starter/leftovers.hpp"
#include "agent/starter/output.hpp"
#include "agent/starter/program.hpp"
#include "agent/starter/state_file.hpp"

#include <cerrno>
#include <csignal>
#include <cstdlib>
#include <cstring>
#include <ctime>
#include <fcntl.h>
#include <initializer_list>
#include <iterator>
#include <unistd.h>

#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/stat.h>
#include <sys/wait.h>

namespace deployminator::agent::starter {

namespace {

struct instance {
  program how;
  /// DIR.
  const char* directory = nullptr;
  /// Of DIR/lock.
  int lock = -1;
  output printed;
  state_file file;
  /// Of the program, while it runs; it is not reaped unless this is 0.
  pid_t running = 0;
  /// Where its output is kept; see output.hpp.
  const char* log = "";
  bool log_is_open = false;
};

/// Calls `visit` with each number of a comma separated list.
template <class Visit>
void each_number(const char* list, Visit visit) {
  while (*list) {
    char* end = nullptr;
    long number = strtol(list, &end, 10);
    if (end == list)
      return;
    visit(number);
    list = *end == ',' ? end + 1 : end;
  }
}

/// Keeps the standard descriptors and those named, which the program does not inherit, and closes
/// everything else that the agent's libraries left open.
void keep_only(const char* fds, int lock) {
  unsigned from = 3;
  auto keep = [&from](long fd) {
    auto number = static_cast<unsigned>(fd);
    if (number > from)
      close_range(from, number - 1, 0);
    fcntl(static_cast<int>(fd), F_SETFD, FD_CLOEXEC);
    from = number + 1;
  };
  bool lock_kept = false;
  each_number(fds, [&](long fd) {
    if (!lock_kept && lock < fd) {
      keep(lock);
      lock_kept = true;
    }
    keep(fd);
  });
  if (!lock_kept)
    keep(lock);
  close_range(from, ~0U, 0);
}

std::int64_t utc_now() {
  timespec now{};
  clock_gettime(CLOCK_REALTIME, &now);
  return std::int64_t{now.tv_sec} * 1'000'000 + now.tv_nsec / 1'000;
}

/// Starts the program with pipes of its own for its output.
started start_with_output(instance& i) {
  if (!i.log_is_open)
    if (int error = i.printed.open(i.log))
      return {0, problem::output, error};
  i.log_is_open = true;
  if (i.printed.is_kept())
    if (int error = i.printed.begin_run(i.how.uid, i.how.output))
      return {0, problem::output, error};
  auto result = start(i.how);
  for (int& end : i.how.output) {
    if (end >= 0)
      close(end);
    end = -1;
  }
  if (!result.pid)
    i.printed.end_run();
  return result;
}

void start_program(instance& i) {
  auto& now = i.file.now;
  ++now.run;
  now.what = phase::starting;
  now.pid = 0;
  now.exit = 0;
  i.file.write();
  auto result = start_with_output(i);
  i.running = result.pid;
  now.what = result.pid ? phase::running : phase::not_started;
  now.pid = result.pid;
  now.started_at = utc_now();
  now.failed = result.failed;
  now.error = result.error;
  i.file.write();
}

/// Whoever reads that it ended finds in the log what it printed.
void note_exit(instance& i, int status) {
  i.printed.take_all();
  i.running = 0;
  i.file.now.what = phase::exited;
  i.file.now.exit = WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
  i.file.write();
}

void reap(instance& i) {
  int status = 0;
  pid_t pid = 0;
  while ((pid = waitpid(-1, &status, WNOHANG)) > 0) {
    if (pid != i.running)
      continue;
    note_exit(i, status);
    kill_descendants(i.how.uid);
    i.printed.end_run();
    return;
  }
}

[[noreturn]] void end(instance& i) {
  int status = 0;
  if (i.running) {
    kill(i.running, SIGKILL);
    waitpid(i.running, &status, 0);
    if (WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL)
      i.file.now.failed = problem::killed;
    note_exit(i, status);
  }
  kill_descendants(i.how.uid);
  i.printed.end_run();
  i.file.now.what = phase::gone;
  i.file.write();
  _exit(0);
}

void send(const instance& i, int value) {
  if (i.running && value >> 7 == static_cast<int>(i.file.now.run & 0xffffffU))
    kill(-i.running, value & 0x7f);
}

bool set_lock(int lock, int byte, int how) {
  struct flock mine {};
  mine.l_type = F_WRLCK;
  mine.l_whence = SEEK_SET;
  mine.l_start = byte;
  mine.l_len = 1;
  return fcntl(lock, how, &mine) == 0;
}

/// Shows this process as the one that holds the lock; only after the first state was written.
void show_pid(int lock) {
  set_lock(lock, pid_byte, F_SETLK);
}

/// Takes the lock anew where its file is gone. One that is still there is not opened: closing it
/// would end this process's lock on `pid_byte`.
void restore_lock(instance& i) {
  int at = open(i.directory, O_PATH | O_DIRECTORY | O_CLOEXEC);
  if (at < 0)
    return;
  int fresh = is_named(i.lock, at, lock_name)
                ? -1
                : openat(at, lock_name, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
  close(at);
  if (fresh < 0)
    return;
  if (!set_lock(fresh, alive_byte, F_OFD_SETLK)) {
    close(fresh);
    return;
  }
  show_pid(fresh);
  close(i.lock);
  i.lock = fresh;
}

void restore(instance& i) {
  restore_lock(i);
  i.file.restore(i.directory);
}

void obey(instance& i, const signalfd_siginfo& order) {
  switch (static_cast<int>(order.ssi_signo)) {
    case SIGCHLD:
      return reap(i);
    case start_order:
      if (!i.running && order.ssi_int == static_cast<int>(i.file.now.run + 1))
        start_program(i);
      return;
    case signal_order:
      return send(i, order.ssi_int);
    case restore_order:
      return restore(i);
    default:
      end(i);
  }
}

int orders() {
  sigset_t awaited;
  sigemptyset(&awaited);
  for (int signal :
       {SIGCHLD, SIGTERM, SIGINT, SIGQUIT, start_order, signal_order, end_order, restore_order})
    sigaddset(&awaited, signal);
  return signalfd(-1, &awaited, SFD_CLOEXEC | SFD_NONBLOCK);
}

/// Orders go before output, of which never more than a buffer is taken between two looks.
void serve(instance& i, int from) {
  for (;;) {
    pollfd pipes[2];
    i.printed.put_waits(pipes);
    pollfd all[3] = {{from, POLLIN, 0}, pipes[0], pipes[1]};
    poll(all, 3, i.printed.patience());
    signalfd_siginfo order;
    while (read(from, &order, sizeof order) == sizeof order)
      obey(i, order);
    i.printed.take();
  }
}

/// ADDRESS_SPACE,OPEN_FILES,PROCESSES,CORE_SIZE.
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

int run(char** args) {
  instance i;
  i.how = {args[1],
           args[2],
           {-1, -1},
           strtol(args[4], nullptr, 10),
           limits_in(args[5]),
           static_cast<int>(strtol(args[6], nullptr, 10)),
           args[10],
           args + 11,
           take_data()};
  i.directory = args[1];
  i.lock = static_cast<int>(strtol(args[7], nullptr, 10));
  keep_only(args[8], i.lock);
  auto& now = i.file.now;
  now.uid = i.how.uid;
  each_number(args[9], [&now](long port) {
    if (now.port_count < most_ports)
      now.ports[now.port_count++] = static_cast<std::uint16_t>(port);
  });
  if (int error = i.file.create(args[1]))
    return error;
  show_pid(i.lock);
  prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0);
  i.log = args[3];
  int from = orders();
  if (from < 0)
    return errno;
  start_program(i);
  serve(i, from);
  return 0;
}

} // namespace

} // namespace deployminator::agent::starter

int main(int argc, char** argv) {
  using namespace deployminator::agent::starter;
  // No signal interrupts or ends this process; those that mean something are waited for.
  sigset_t all;
  sigfillset(&all);
  sigprocmask(SIG_SETMASK, &all, nullptr);
  signal(SIGCHLD, SIG_DFL);
  if (argc == 4 && strcmp(argv[1], "--sweep") == 0)
    return sweep(strtol(argv[2], nullptr, 10), argv[3]);
  if (argc < 12)
    return EINVAL;
  setsid();
  if (chdir("/"))
    return errno;
  umask(022);
  return run(argv);
}
