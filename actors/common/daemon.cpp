#include "actors/common/daemon.hpp"

#include "actors/common/logging.hpp"

#include <algorithm>
#include <csignal>
#include <cstddef>
#include <cstdlib>
#include <cstring>
#include <string_view>
#include <unistd.h>

#include <sys/socket.h>
#include <sys/un.h>

namespace deployminator::actors {

namespace {

sigset_t end_signals() {
  sigset_t set;
  sigemptyset(&set);
  sigaddset(&set, SIGTERM);
  sigaddset(&set, SIGINT);
  return set;
}

} // namespace

void block_end_signals() {
  auto set = end_signals();
  pthread_sigmask(SIG_BLOCK, &set, nullptr);
  std::signal(SIGPIPE, SIG_IGN);
}

void wait_for_end() {
  auto set = end_signals();
  int signal = 0;
  sigwait(&set, &signal);
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

} // namespace deployminator::actors
