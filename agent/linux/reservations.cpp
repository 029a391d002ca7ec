#include "agent/linux/reservations.hpp"

#include "agent/linux/files.hpp"

#include <fmt/format.h>

#include <cerrno>
#include <cstddef>
#include <cstdlib>
#include <cstring>
#include <fcntl.h>
#include <filesystem>
#include <pwd.h>
#include <string>
#include <unistd.h>

#include <netinet/in.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

namespace deployminator::agent {

using messages::failure;
using messages::failure_code;
using messages::result;

namespace {

constexpr auto user_locks = "/run/autodeployer-users";
constexpr auto next_user_file = "/run/autodeployer-users/next";
constexpr auto port_locks = "/run/autodeployer-ports";

/// How long what was seen of all processes is believed. Else each of n instances that start at once
/// would look at the processes of all others.
constexpr std::chrono::seconds busy_users_hold{1};

/// Binds the port's abstract name; `refused` where another has it.
result<owned_fd> bind_name(std::int64_t port) {
  auto name = fmt::format("autodeployer/port/{}", port);
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  std::memcpy(address.sun_path + 1, name.data(), name.size());
  auto size = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + 1 + name.size());
  owned_fd fd{socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0)};
  if (fd && bind(fd.get(), reinterpret_cast<sockaddr*>(&address), size) == 0)
    return fd;
  return failure{errno == EADDRINUSE ? failure_code::refused : failure_code::internal,
                 fmt::format("port {} cannot be reserved: {}", port, std::strerror(errno)),
                 {}};
}

/// Makes a directory of locks. Whoever else could write to it could give a number to two.
result<void> make_locks(const std::string& directory) {
  if (mkdir(directory.c_str(), 0700) && errno != EEXIST)
    return file_failure("create the directory", directory);
  struct stat info {};
  if (lstat(directory.c_str(), &info))
    return file_failure("look at", directory);
  if (!S_ISDIR(info.st_mode) || info.st_uid != geteuid() || (info.st_mode & 022))
    return failure{failure_code::internal,
                   fmt::format("cannot reserve anything in {}: it has to be a directory of root's "
                               "to which nobody else may write",
                               directory),
                   "chown it to root, chmod it to 700"};
  return {};
}

bool is_removed(const owned_fd& file) {
  struct stat info {};
  return fstat(file.get(), &info) == 0 && info.st_nlink == 0;
}

/// Takes the lock of this number in a directory of locks that is there; `refused` where another has
/// it. The files stay: to remove one that another agent has just opened would let two have it.
result<owned_fd> lock_number(const std::string& directory, std::int64_t number) {
  auto path = fmt::format("{}/{}", directory, number);
  owned_fd file;
  do {
    file = owned_fd{open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600)};
    if (!file)
      return file_failure("open", path);
    if (flock(file.get(), LOCK_EX | LOCK_NB)) {
      if (errno != EWOULDBLOCK)
        return file_failure("lock", path);
      return failure{failure_code::refused, fmt::format("{} is locked by another", path), {}};
    }
  } while (is_removed(file));
  return file;
}

/// Makes the directory of the port locks of this process's network namespace, which an inode number
/// names.
result<std::string> make_port_locks() {
  struct stat info {};
  if (stat("/proc/self/ns/net", &info))
    return file_failure("look at", "/proc/self/ns/net");
  auto directory = fmt::format("{}/{}", port_locks, info.st_ino);
  for (const auto& each : {std::string{port_locks}, directory})
    if (auto made = make_locks(each); !made)
      return made.error();
  return directory;
}

/// What keeps a server from binding the port on every address of the family, as errno; 0: nothing,
/// or the host does not know the family. `reuse`: with SO_REUSEADDR.
int bind_error(int family, std::int64_t port, bool reuse) {
  owned_fd fd{socket(family, SOCK_STREAM | SOCK_CLOEXEC, 0)};
  if (!fd)
    return errno == EAFNOSUPPORT ? 0 : errno;
  int yes = 1;
  if (reuse)
    setsockopt(fd.get(), SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes);
  auto number = htons(static_cast<std::uint16_t>(port));
  if (family == AF_INET) {
    sockaddr_in any{};
    any.sin_family = AF_INET;
    any.sin_port = number;
    return bind(fd.get(), reinterpret_cast<sockaddr*>(&any), sizeof any) == 0 ? 0 : errno;
  }
  setsockopt(fd.get(), IPPROTO_IPV6, IPV6_V6ONLY, &yes, sizeof yes);
  sockaddr_in6 any{};
  any.sin6_family = AF_INET6;
  any.sin6_port = number;
  bool is_free
    = bind(fd.get(), reinterpret_cast<sockaddr*>(&any), sizeof any) == 0 || errno == EADDRNOTAVAIL;
  return is_free ? 0 : errno;
}

/// The users that processes run as.
std::set<std::int64_t> users_of_processes() {
  std::set<std::int64_t> out;
  std::error_code error;
  for (std::filesystem::directory_iterator it{"/proc", error}, end; !error && it != end;
       it.increment(error)) {
    struct stat info {};
    if (stat(it->path().c_str(), &info) == 0)
      out.insert(info.st_uid);
  }
  return out;
}

/// The user after the one that was given out last on this machine.
std::int64_t next_user() {
  auto text = read_file(next_user_file);
  auto number = text ? std::strtoll(text->c_str(), nullptr, 10) : 0;
  bool is_ours = number >= reservations::first_uid && number <= reservations::last_uid;
  return is_ours ? number : reservations::first_uid;
}

bool has_entry(std::int64_t uid) {
  passwd entry{};
  passwd* found = nullptr;
  char buffer[4096];
  getpwuid_r(static_cast<uid_t>(uid), &entry, buffer, sizeof buffer, &found);
  return found != nullptr;
}

} // namespace

result<owned_fd> reservations::this_port(std::int64_t port) {
  if (geteuid() != 0)
    return bind_name(port);
  if (port_locks_.empty()) {
    auto made = make_port_locks();
    if (!made)
      return made.error();
    port_locks_ = std::move(*made);
  }
  return lock_number(port_locks_, port);
}

result<reservation> reservations::port() {
  for (auto n = first_port; n <= last_port; ++n) {
    if (ports_.count(n))
      continue;
    auto holder = this_port(n);
    if (!holder && holder.error().code != failure_code::refused)
      return holder.error();
    // What the kernel refuses, for whatever reason, is of no use to anybody.
    if (!holder || bind_error(AF_INET, n, false) || bind_error(AF_INET6, n, false))
      continue;
    ports_.insert(n);
    return reservation{n, std::move(*holder)};
  }
  return failure{
    failure_code::refused,
    fmt::format("no TCP port from {} to {} is free on this machine", first_port, last_port),
    "stop some instances here"};
}

bool reservations::is_taken(std::uint16_t port) {
  return bind_error(AF_INET, port, true) == EADDRINUSE
         || bind_error(AF_INET6, port, true) == EADDRINUSE;
}

result<owned_fd> reservations::this_user(std::int64_t uid) {
  if (auto made = make_locks(user_locks); !made)
    return made.error();
  auto file = lock_number(user_locks, uid);
  if (file)
    users_.insert(uid);
  return file;
}

result<reservation> reservations::user(std::int64_t preferred) {
  if (preferred >= first_uid && preferred <= last_uid)
    if (auto holder = this_user(preferred))
      return reservation{preferred, std::move(*holder)};
  const auto& busy = busy_users();
  constexpr auto count = last_uid - first_uid + 1;
  auto begin = next_user();
  for (std::int64_t i = 0; i < count; ++i) {
    auto n = first_uid + (begin - first_uid + i) % count;
    if (users_.count(n) || busy.count(n) || has_entry(n))
      continue;
    auto holder = this_user(n);
    if (holder) {
      // Where it cannot be written the next search begins here again.
      (void)replace_file(next_user_file, std::to_string(n + 1), false);
      return reservation{n, std::move(*holder)};
    }
    if (holder.error().code != failure_code::refused)
      return holder.error();
  }
  return failure{failure_code::refused,
                 fmt::format("no user from {} to {} is free on this machine", first_uid, last_uid),
                 "stop some instances here"};
}

const std::set<std::int64_t>& reservations::busy_users() {
  auto now = std::chrono::steady_clock::now();
  if (busy_users_.empty() || now > busy_users_seen_ + busy_users_hold) {
    busy_users_ = users_of_processes();
    busy_users_seen_ = now;
  }
  return busy_users_;
}

void reservations::note_port(std::int64_t port) {
  ports_.insert(port);
}

void reservations::note_user(std::int64_t uid) {
  users_.insert(uid);
}

void reservations::free_port(std::int64_t port) {
  ports_.erase(port);
}

void reservations::free_user(std::int64_t uid) {
  users_.erase(uid);
}

} // namespace deployminator::agent
