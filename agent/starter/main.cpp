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
///
///   autodeployer-starter --check …
///
/// finds out whether an instance is healthy: see check.hpp.

#include "agent/starter/check.hpp"
#include "agent/starter/leftovers.hpp"
#include "agent/starter/notices.hpp"
#include "agent/starter/number_list.hpp"
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
#include <unistd.h>

#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/stat.h>
#include <sys/wait.h>

namespace deployminator::agent::starter {

namespace {

/// A stop of the program that was ordered.
struct stop_course {
  /// 0: none was, in this run.
  int signal = 0;
  /// How long it may take, in milliseconds; -1: as long as it likes.
  int patience = -1;
  /// When everything is killed, by the clock that never jumps, in milliseconds; -1: never.
  std::int64_t killed_at = -1;
  /// All processes got the signal at once.
  bool told_all = false;
  /// The program has ended, and what it left has the signal.
  bool waits_for_rest = false;
  /// How it ended.
  int status = 0;
};

struct instance {
  program how;
  /// DIR.
  const char* directory = nullptr;
  /// Of DIR/lock.
  int lock = -1;
  output printed;
  notices heard;
  /// Why nothing can be heard: an errno, or 0.
  int deaf = 0;
  state_file file;
  /// Of the program, while it runs; it is not reaped unless this is 0.
  pid_t running = 0;
  /// Where its output is kept; see output.hpp.
  const char* log = "";
  bool log_is_open = false;
  stop_course stop;
};

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

std::int64_t steady_now() {
  timespec now{};
  clock_gettime(CLOCK_MONOTONIC, &now);
  return std::int64_t{now.tv_sec} * 1'000 + now.tv_nsec / 1'000'000;
}

/// Starts the program with pipes of its own for its output.
started start_with_output(instance& i) {
  if (i.deaf)
    return {0, problem::notify, i.deaf};
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
  i.stop = {};
  ++now.run;
  now.what = phase::starting;
  now.pid = 0;
  now.exit = 0;
  i.heard.begin_run(now.run, i.file.said);
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

/// Of a program that was told to stop. All of it counts as running until nothing is left.
void wait_for_rest(instance& i, int status) {
  i.running = 0;
  i.stop.status = status;
  i.stop.waits_for_rest = true;
  siginfo_t anything;
  bool is_alone = waitid(P_ALL, 0, &anything, WEXITED | WNOHANG | WNOWAIT) < 0;
  if (!i.stop.told_all && !is_alone)
    signal_descendants(i.how.uid, i.stop.signal);
}

void finish_run(instance& i, int status) {
  i.stop.waits_for_rest = false;
  note_exit(i, status);
  kill_descendants(i.how.uid);
  i.printed.end_run();
}

void reap(instance& i) {
  int status = 0;
  pid_t pid = 0;
  while ((pid = waitpid(-1, &status, WNOHANG)) > 0) {
    if (pid != i.running)
      continue;
    if (!i.stop.signal)
      return finish_run(i, status);
    wait_for_rest(i, status);
  }
  if (pid < 0 && i.stop.waits_for_rest)
    finish_run(i, i.stop.status);
}

/// Kills the program, if it runs, and what is left of it, for it was told to stop.
void kill_too_slow(instance& i) {
  int status = i.stop.status;
  i.file.now.failed = problem::rest_too_slow;
  if (i.running) {
    kill(i.running, SIGKILL);
    waitpid(i.running, &status, 0);
    if (WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL)
      i.file.now.failed = problem::too_slow;
  }
  finish_run(i, status);
}

bool is_being_stopped(const instance& i) {
  return i.stop.signal && (i.running || i.stop.waits_for_rest);
}

/// In milliseconds, for poll: until the stop has taken too long.
int time_left(const instance& i) {
  if (!is_being_stopped(i) || i.stop.killed_at < 0)
    return -1;
  auto left = i.stop.killed_at - steady_now();
  return left < 0 ? 0 : static_cast<int>(left);
}

[[noreturn]] void end(instance& i) {
  int status = 0;
  if (i.running) {
    kill(i.running, SIGKILL);
    waitpid(i.running, &status, 0);
    if (WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL)
      i.file.now.failed = problem::killed;
    note_exit(i, status);
  } else if (i.stop.waits_for_rest) {
    note_exit(i, i.stop.status);
  }
  kill_descendants(i.how.uid);
  i.printed.end_run();
  i.file.now.what = phase::gone;
  i.file.write();
  _exit(0);
}

/// Whether a `signal_value` is meant for the program that runs.
bool is_meant(const instance& i, int value) {
  return i.running && value >> 7 == static_cast<int>(i.file.now.run & 0xffffffU);
}

void send(const instance& i, int value) {
  if (is_meant(i, value))
    kill(-i.running, value & 0x7f);
}

/// `all`: what the program started gets the signal at once.
void stop(instance& i, int value, bool all) {
  if (!is_meant(i, value) || i.stop.signal)
    return;
  i.stop.signal = value & 0x7f;
  i.stop.told_all = all;
  i.stop.killed_at = i.stop.patience < 0 ? -1 : steady_now() + i.stop.patience;
  if (all)
    signal_descendants(i.how.uid, i.stop.signal);
  else
    kill(i.running, i.stop.signal);
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
      if (!i.running && !i.stop.waits_for_rest
          && order.ssi_int == static_cast<int>(i.file.now.run + 1))
        start_program(i);
      return;
    case signal_order:
      return send(i, order.ssi_int);
    case restore_order:
      return restore(i);
    case within_order:
      // Orders of one kind come in their order, and this kind before the stops: the first counts.
      if (i.stop.patience < 0)
        i.stop.patience = order.ssi_int;
      return;
    case stop_order:
      return stop(i, order.ssi_int, false);
    case stop_all_order:
      return stop(i, order.ssi_int, true);
    default:
      end(i);
  }
}

int orders() {
  sigset_t awaited;
  sigemptyset(&awaited);
  for (int signal : {SIGCHLD, SIGTERM, SIGINT, SIGQUIT, start_order, signal_order, end_order,
                     restore_order, within_order, stop_order, stop_all_order})
    sigaddset(&awaited, signal);
  return signalfd(-1, &awaited, SFD_CLOEXEC | SFD_NONBLOCK);
}

/// The sooner of two waits, of which -1 has no end.
int sooner(int one, int other) {
  return one < 0 || (other >= 0 && other < one) ? other : one;
}

/// Orders go before output, of which never more than a buffer is taken between two looks.
void serve(instance& i, int from) {
  for (;;) {
    pollfd pipes[2];
    i.printed.put_waits(pipes);
    pollfd all[4] = {{from, POLLIN, 0}, pipes[0], pipes[1], i.heard.wait()};
    poll(all, 4, sooner(sooner(i.printed.patience(), i.heard.patience()), time_left(i)));
    signalfd_siginfo order;
    while (read(from, &order, sizeof order) == sizeof order)
      obey(i, order);
    if (time_left(i) == 0)
      kill_too_slow(i);
    i.printed.take();
    if (i.running && i.heard.take(i.file.said))
      i.file.write();
  }
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
  now.knows = newest_order;
  each_number(args[9], [&now](long port) {
    if (now.port_count < most_ports)
      now.ports[now.port_count++] = static_cast<std::uint16_t>(port);
  });
  if (int error = i.file.create(args[1]))
    return error;
  show_pid(i.lock);
  prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0);
  i.log = args[3];
  i.deaf = i.heard.open(i.directory, i.how.uid);
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
  if (argc > 10 && strcmp(argv[1], "--check") == 0)
    return check(argv + 2);
  if (argc < 12)
    return EINVAL;
  setsid();
  if (chdir("/"))
    return errno;
  umask(022);
  return run(argv);
}
