#include "agent/starter/output.hpp"

#include <cerrno>
#include <cstdlib>
#include <ctime>
#include <fcntl.h>
#include <unistd.h>

#include <sys/ioctl.h>

namespace deployminator::agent::starter {

namespace {

constexpr std::uint64_t usual_limit = 64 << 20;
/// So long a line may be without its end before it is written as far as it is: what a program that
/// hangs printed last tells where.
constexpr std::int64_t partial_after_ms = 1'000;

std::int64_t steady_ms() {
  timespec now{};
  clock_gettime(CLOCK_MONOTONIC, &now);
  return std::int64_t{now.tv_sec} * 1'000 + now.tv_nsec / 1'000'000;
}

} // namespace

int output::open(const char* where) {
  channels_[1].from = source::err;
  is_kept_ = *where != 0;
  if (!is_kept_)
    return 0;
  auto limit = usual_limit;
  // An agent of an earlier release gives no number.
  if (*where != '/') {
    char* end = nullptr;
    limit = strtoull(where, &end, 10);
    if (*end != ':')
      return EINVAL;
    where = end + 1;
  }
  return log_.open(where, limit);
}

int output::begin_run(long uid, int (&ends)[2]) {
  ends[0] = ends[1] = -1;
  for (int n = 0; n < 2; ++n) {
    int pipe[2];
    if (pipe2(pipe, O_CLOEXEC)) {
      int error = errno;
      for (int end : ends)
        if (end >= 0)
          close(end);
      end_run();
      return error;
    }
    auto who = static_cast<uid_t>(uid);
    if (uid >= 0)
      (void)!fchown(pipe[1], who, who);
    fcntl(pipe[0], F_SETFL, O_NONBLOCK);
    channels_[n].fd = pipe[0];
    ends[n] = pipe[1];
  }
  return 0;
}

void output::put_waits(pollfd (&to)[2]) const {
  for (int n = 0; n < 2; ++n)
    to[n] = {channels_[n].fd, POLLIN, 0};
}

int output::patience() const {
  std::int64_t out = -1;
  auto now = steady_ms();
  for (const auto& each : channels_) {
    if (each.fd < 0 || each.lines.is_empty())
      continue;
    auto left = each.due > now ? each.due - now : 0;
    if (out < 0 || left < out)
      out = left;
  }
  return static_cast<int>(out);
}

void output::take() {
  for (auto& each : channels_)
    take(each);
}

void output::take(channel& from) {
  if (from.fd < 0)
    return;
  auto* space = from.lines.space();
  auto size = read(from.fd, space, from.lines.room());
  if (size == 0 || (size < 0 && errno != EAGAIN))
    return end(from);
  auto now = steady_ms();
  if (size > 0) {
    from.lines.add(static_cast<std::size_t>(size));
    log_.put(from.from, from.lines);
    from.due = now + partial_after_ms;
  } else if (now >= from.due) {
    log_.put(from.from, from.lines, output_log::rest::goes_on);
  }
}

void output::take_all() {
  for (auto& each : channels_)
    take_all(each);
}

void output::take_all(channel& from) {
  int left = 0;
  if (from.fd < 0 || ioctl(from.fd, FIONREAD, &left))
    return;
  while (left > 0) {
    auto* space = from.lines.space();
    auto size = read(from.fd, space, from.lines.room());
    if (size <= 0)
      break;
    left -= static_cast<int>(size);
    from.lines.add(static_cast<std::size_t>(size));
    log_.put(from.from, from.lines);
  }
  log_.put(from.from, from.lines, output_log::rest::ends);
}

void output::end_run() {
  take_all();
  for (auto& each : channels_)
    end(each);
  log_.settle();
}

void output::end(channel& of) {
  if (of.fd < 0)
    return;
  log_.put(of.from, of.lines, output_log::rest::ends);
  close(of.fd);
  of.fd = -1;
}

} // namespace deployminator::agent::starter
