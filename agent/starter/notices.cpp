#include "agent/starter/notices.hpp"

#include "agent/starter/own_view.hpp"

#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <ctime>
#include <fcntl.h>
#include <unistd.h>

#include <sys/random.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

namespace deployminator::agent::starter {

namespace {

/// At most so many messages are read in a row, then none for a moment.
constexpr int most_at_once = 32;
constexpr std::int64_t rest_ms = 5;
constexpr std::int64_t between_words_ms = 100;

/// What the program gets; these live as long as the environment.
char socket_variable[160];
char watchdog_variable[64];

std::int64_t notice_ms_of(clockid_t clock) {
  timespec now{};
  clock_gettime(clock, &now);
  return std::int64_t{now.tv_sec} * 1'000 + now.tv_nsec / 1'000'000;
}

bool is_word(const char* line, std::size_t size, const char* text) {
  return size == strlen(text) && memcmp(line, text, size) == 0;
}

void close_received(const cmsghdr* c) {
  auto count = (c->cmsg_len - CMSG_LEN(0)) / sizeof(int);
  for (std::size_t n = 0; n < count; ++n) {
    int fd = -1;
    memcpy(&fd, CMSG_DATA(c) + n * sizeof fd, sizeof fd);
    close(fd);
  }
}

/// Whether the message is this user's; descriptors that came with it are closed.
bool is_from(msghdr& message, unsigned uid) {
  bool out = false;
  for (auto* c = CMSG_FIRSTHDR(&message); c; c = CMSG_NXTHDR(&message, c)) {
    if (c->cmsg_level != SOL_SOCKET)
      continue;
    if (c->cmsg_type == SCM_RIGHTS)
      close_received(c);
    if (c->cmsg_type == SCM_CREDENTIALS) {
      ucred who{};
      memcpy(&who, CMSG_DATA(c), sizeof who);
      out = who.uid == uid;
    }
  }
  return out;
}

void take_status(const char* text, std::size_t size, told& out) {
  out.status_size = static_cast<std::uint32_t>(size < sizeof out.status ? size : sizeof out.status);
  memset(out.status, 0, sizeof out.status);
  memcpy(out.status, text, out.status_size);
}

/// To a tenth of a second: a program that says it without a pause is not told of each time.
void take_sign(told& out) {
  out.sign_at = notice_ms_of(CLOCK_REALTIME) / 100 * 100'000;
}

void take_line(const char* line, std::size_t size, told& out) {
  constexpr char status[] = "STATUS=";
  constexpr std::size_t prefix = sizeof status - 1;
  if (is_word(line, size, "READY=1")) {
    out.is_ready = 1;
    out.is_stopping = 0;
    take_sign(out);
  } else if (is_word(line, size, "STOPPING=1")) {
    out.is_stopping = 1;
  } else if (is_word(line, size, "WATCHDOG=1")) {
    take_sign(out);
  } else if (size >= prefix && memcmp(line, status, prefix) == 0) {
    take_status(line + prefix, size - prefix, out);
  }
}

} // namespace

int notices::bind_to(const char* directory) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  char path[sizeof address.sun_path + 1];
  int size = snprintf(path, sizeof path, "%s/%s", directory, notify_name);
  // The program sees a /tmp of its own.
  bool is_out_of_reach = uid_ != geteuid() && is_hidden(directory);
  if (size < static_cast<int>(sizeof address.sun_path) && !is_out_of_reach) {
    memcpy(address.sun_path, path, static_cast<std::size_t>(size) + 1);
    unlink(path);
    if (bind(fd_, reinterpret_cast<sockaddr*>(&address), sizeof address))
      return errno;
    if (chmod(path, 0600) || (uid_ != geteuid() && chown(path, uid_, uid_)))
      return errno;
    snprintf(socket_variable, sizeof socket_variable, "NOTIFY_SOCKET=%s", path);
    return 0;
  }
  std::uint64_t name[2];
  if (getrandom(name, sizeof name, 0) != sizeof name)
    return errno;
  size
    = snprintf(address.sun_path, sizeof address.sun_path, "@autodeployer/notify/%016llx%016llx",
               static_cast<unsigned long long>(name[0]), static_cast<unsigned long long>(name[1]));
  snprintf(socket_variable, sizeof socket_variable, "NOTIFY_SOCKET=%s", address.sun_path);
  address.sun_path[0] = 0;
  auto length = offsetof(sockaddr_un, sun_path) + static_cast<std::size_t>(size);
  return bind(fd_, reinterpret_cast<sockaddr*>(&address), static_cast<socklen_t>(length)) ? errno
                                                                                          : 0;
}

int notices::open(const char* directory, long uid) {
  const char* asked = getenv(notify_variable);
  if (!asked)
    return 0;
  auto watchdog = strtoll(asked, nullptr, 10);
  unsetenv(notify_variable);
  uid_ = uid < 0 ? geteuid() : static_cast<unsigned>(uid);
  fd_ = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  int on = 1;
  if (fd_ < 0 || setsockopt(fd_, SOL_SOCKET, SO_PASSCRED, &on, sizeof on))
    return errno;
  if (int error = bind_to(directory))
    return error;
  putenv(socket_variable);
  if (watchdog > 0) {
    snprintf(watchdog_variable, sizeof watchdog_variable, "WATCHDOG_USEC=%lld", watchdog);
    putenv(watchdog_variable);
  }
  return 0;
}

void notices::begin_run(std::uint32_t run, told& out) {
  // What an earlier run said last, and nobody read.
  told ignored;
  while (take_one(ignored))
    ;
  out = told{};
  out.run = run;
  out.listens = fd_ >= 0 ? 1 : 0;
  is_due_ = false;
}

pollfd notices::wait() const {
  return {notice_ms_of(CLOCK_MONOTONIC) < rests_until_ ? -1 : fd_, POLLIN, 0};
}

int notices::patience() const {
  if (fd_ < 0)
    return -1;
  auto now = notice_ms_of(CLOCK_MONOTONIC);
  if (now < rests_until_)
    return static_cast<int>(rests_until_ - now);
  if (!is_due_)
    return -1;
  auto due = told_at_ + between_words_ms;
  return due > now ? static_cast<int>(due - now) : 0;
}

bool notices::take_one(told& out) {
  static char text[4096];
  alignas(cmsghdr) char control[CMSG_SPACE(sizeof(ucred)) + CMSG_SPACE(sizeof(int))];
  iovec piece{text, sizeof text};
  msghdr message{};
  message.msg_iov = &piece;
  message.msg_iovlen = 1;
  message.msg_control = control;
  message.msg_controllen = sizeof control;
  auto size = recvmsg(fd_, &message, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
  if (size < 0)
    return false;
  // A longer one says nothing that would be ours.
  bool counts = is_from(message, uid_) && !(message.msg_flags & MSG_TRUNC);
  const char* end = text + size;
  for (const char* line = text; counts && line < end;) {
    const auto* stop
      = static_cast<const char*>(memchr(line, '\n', static_cast<size_t>(end - line)));
    stop = stop ? stop : end;
    take_line(line, static_cast<std::size_t>(stop - line), out);
    line = stop + 1;
  }
  return true;
}

bool notices::take(told& out) {
  auto now = notice_ms_of(CLOCK_MONOTONIC);
  if (fd_ < 0 || now < rests_until_)
    return false;
  told before = out;
  int count = 0;
  while (count < most_at_once && take_one(out))
    ++count;
  if (count == most_at_once)
    rests_until_ = now + rest_ms;
  is_due_ = is_due_ || memcmp(&before, &out, offsetof(told, checksum)) != 0;
  bool is_turn = before.is_ready != out.is_ready || before.is_stopping != out.is_stopping;
  if (!is_turn && !(is_due_ && now >= told_at_ + between_words_ms))
    return false;
  is_due_ = false;
  told_at_ = now;
  return true;
}

} // namespace deployminator::agent::starter
