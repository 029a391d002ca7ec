#include "actors/common/daemon.hpp"

#include "actors/common/logging.hpp"

#include <caf/atom.hpp>

#include <algorithm>
#include <csignal>
#include <cstddef>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <fcntl.h>
#include <string_view>
#include <unistd.h>

#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

namespace deployminator::common {

namespace {

/// In seconds: SIGTERM promises an end within 5 s.
constexpr unsigned longest_end = 4;
/// How long a process that ends waits for its log to be written.
constexpr std::chrono::milliseconds longest_flush{500};

sigset_t awaited_signals() {
  sigset_t set;
  sigemptyset(&set);
  sigaddset(&set, SIGTERM);
  sigaddset(&set, SIGINT);
  sigaddset(&set, SIGHUP);
  return set;
}

/// Without a terminal SIGHUP is a request of who rotates logs, else the terminal's end.
bool reopens_log(int signal) {
  return signal == SIGHUP && isatty(STDERR_FILENO) == 0;
}

void begin_clean() {
  for (int stream = 0; stream < 3; ++stream)
    if (fcntl(stream, F_GETFD) < 0 && open("/dev/null", O_RDWR) != stream)
      std::abort();
  umask(022);
  for (int each = 1; each < NSIG; ++each)
    std::signal(each, SIG_DFL);
  sigset_t none;
  sigemptyset(&none);
  pthread_sigmask(SIG_SETMASK, &none, nullptr);
}

} // namespace

int fail(const char* program, const messages::failure& why) {
  std::fprintf(stderr, "%s: %s\n", program, why.message.c_str());
  if (!why.hint.empty())
    std::fprintf(stderr, "  %s\n", why.hint.c_str());
  return could_not_go_on;
}

void set_scheduler(caf::actor_system_config& config) {
  config.set("scheduler.max-threads", 2);
  config.set("scheduler.policy", caf::atom("sharing"));
}

std::uint64_t raise_open_files() {
  rlimit limit{};
  if (getrlimit(RLIMIT_NOFILE, &limit))
    return 0;
  auto before = limit.rlim_cur;
  limit.rlim_cur = limit.rlim_max;
  return setrlimit(RLIMIT_NOFILE, &limit) ? before : limit.rlim_cur;
}

int run_daemon(int (*program)(int argc, char** argv), int argc, char** argv) {
  begin_clean();
  auto code = program(argc, argv);
  log::flush(longest_flush);
  return code;
}

void block_end_signals() {
  auto set = awaited_signals();
  pthread_sigmask(SIG_BLOCK, &set, nullptr);
  std::signal(SIGPIPE, SIG_IGN);
}

void wait_for_end() {
  while (!wait_for_end(std::chrono::hours{1})) {
  }
}

bool wait_for_end(std::chrono::seconds longest) {
  auto set = awaited_signals();
  timespec time{.tv_sec = longest.count(), .tv_nsec = 0};
  auto signal = sigtimedwait(&set, nullptr, &time);
  if (reopens_log(signal))
    log::reopen();
  if (signal < 0 || reopens_log(signal))
    return false;
  // Whatever hangs from here on, a disk or a full pipe: SIGALRM ends the process.
  alarm(longest_end);
  return true;
}

void notify_ready() {
  const char* path = std::getenv("NOTIFY_SOCKET");
  if (!path || std::strlen(path) < 2)
    return;
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  auto length = std::min(std::strlen(path), sizeof address.sun_path - 1);
  std::memcpy(address.sun_path, path, length);
  // An abstract address is written with @ and begins with a zero byte.
  if (address.sun_path[0] == '@')
    address.sun_path[0] = '\0';
  int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  constexpr std::string_view ready = "READY=1";
  auto size = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + length);
  if (fd < 0
      || sendto(fd, ready.data(), ready.size(), MSG_NOSIGNAL,
                reinterpret_cast<const sockaddr*>(&address), size)
           < 0)
    log::warning("service manager was not told of readiness", {{"socket", path}});
  if (fd >= 0)
    close(fd);
}

} // namespace deployminator::common
