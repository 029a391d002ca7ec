#include "cli/output.hpp"

#include <fmt/format.h>

#include <cerrno>
#include <csignal>
#include <cstring>
#include <fcntl.h>
#include <poll.h>
#include <unistd.h>

namespace deployminator::cli {

namespace {

/// stdout is one for the whole process, and so is what became of it.
struct stdout_state {
  bool is_needed = true;
  bool is_lost = false;
};

stdout_state& standard_output() {
  static stdout_state state;
  return state;
}

} // namespace

output_lost::output_lost(int reason)
  : std::runtime_error(
    fmt::format("the output cannot be written to stdout: {}", std::strerror(reason))),
    reason_(reason) {}

bool output_lost::is_unwanted() const {
  return reason_ == EPIPE;
}

void guard_streams() {
  std::signal(SIGPIPE, SIG_IGN);
  for (int stream = STDIN_FILENO; stream <= STDERR_FILENO; ++stream)
    if (fcntl(stream, F_GETFD) < 0)
      // The lowest free descriptor is this one; it cannot be written.
      open("/dev/null", O_RDONLY);
}

int write_all(int descriptor, std::string_view text) {
  while (!text.empty()) {
    auto n = ::write(descriptor, text.data(), text.size());
    if (n >= 0) {
      text.remove_prefix(static_cast<std::size_t>(n));
    } else if (errno == EAGAIN) {
      // Whoever shares the descriptor has set it so.
      pollfd place{descriptor, POLLOUT, 0};
      poll(&place, 1, -1);
    } else if (errno != EINTR) {
      return errno;
    }
  }
  return 0;
}

void print(const std::string& data) {
  auto& state = standard_output();
  if (state.is_lost)
    return;
  auto reason = write_all(STDOUT_FILENO, data);
  if (reason == 0)
    return;
  output_lost why{reason};
  if (state.is_needed)
    throw output_lost{why};
  state.is_lost = true;
  if (!why.is_unwanted())
    remark(std::string{"deploy: "} + why.what());
}

void go_on_without_output() {
  standard_output().is_needed = false;
}

void remark(const std::string& sentence) {
  // Nothing can be told to somebody who does not listen.
  [[maybe_unused]] auto ignored = write_all(STDERR_FILENO, sentence + "\n");
}

} // namespace deployminator::cli
