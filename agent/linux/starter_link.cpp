#include "agent/linux/starter_link.hpp"

#include "agent/linux/files.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <cstring>
#include <fcntl.h>
#include <thread>

#include <sys/stat.h>

namespace deployminator::agent {

using messages::failure;
using messages::failure_code;
using messages::result;

namespace {

struct flock one_byte(int byte) {
  struct flock lock {};
  lock.l_type = F_WRLCK;
  lock.l_whence = SEEK_SET;
  lock.l_start = byte;
  lock.l_len = 1;
  return lock;
}

std::string lock_path(const std::string& directory) {
  return fmt::format("{}/{}", directory, starter::lock_name);
}

/// Takes the lock that makes a starter the only one; it goes on with the starter's copy.
result<owned_fd> take_lock(const std::string& directory) {
  auto path = lock_path(directory);
  owned_fd lock{open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600)};
  if (!lock)
    return file_failure("open", path);
  auto wanted = one_byte(starter::alive_byte);
  if (fcntl(lock.get(), F_OFD_SETLK, &wanted) == 0)
    return lock;
  if (errno != EAGAIN && errno != EACCES)
    return file_failure("lock", path);
  return failure{failure_code::refused,
                 fmt::format("a starter that this agent does not know holds {}", path),
                 "restart the agent: it then takes it over"};
}

bool is_locked(int lock) {
  auto probe = one_byte(starter::alive_byte);
  return fcntl(lock, F_OFD_GETLK, &probe) == 0 && probe.l_type != F_UNLCK;
}

pid_t holder(int lock) {
  auto probe = one_byte(starter::pid_byte);
  return fcntl(lock, F_GETLK, &probe) == 0 && probe.l_type != F_UNLCK ? probe.l_pid : 0;
}

template <class Numbers>
std::string comma_separated(const Numbers& numbers) {
  return fmt::format("{}", fmt::join(numbers, ","));
}

} // namespace

result<child_process> spawn_starter(const starter_setup& setup, const launch_order& order,
                                    const std::vector<std::uint16_t>& ports) {
  auto lock = take_lock(setup.directory);
  if (!lock)
    return lock.error();
  auto reservations = setup.reservations;
  std::sort(reservations.begin(), reservations.end());
  spawn_order out;
  out.program = setup.program;
  out.args = {setup.directory,
              setup.home,
              setup.log,
              std::to_string(setup.uid),
              std::to_string(order.limits.max_memory_mb),
              std::to_string(order.limits.priority),
              std::to_string(lock->get()),
              comma_separated(reservations),
              comma_separated(ports),
              setup.home + "/" + order.binary};
  out.args.insert(out.args.end(), order.args.begin(), order.args.end());
  out.env.push_back("HOME=" + setup.home);
  for (const auto& [key, value] : order.env)
    if (key != "HOME")
      out.env.push_back(fmt::format("{}={}", key, value));
  out.inherited = reservations;
  out.inherited.push_back(lock->get());
  out.signals_blocked = true;
  return spawn(out);
}

std::optional<child_process> find_starter(const std::string& directory) {
  owned_fd lock{open(lock_path(directory).c_str(), O_RDWR | O_CLOEXEC | O_NOFOLLOW)};
  if (!lock)
    return std::nullopt;
  auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds{5};
  while (is_locked(lock.get()) && std::chrono::steady_clock::now() < deadline) {
    child_process found;
    found.pid = holder(lock.get());
    found.handle = process_handle(found.pid);
    // Still its holder after the handle was made: so the handle is that process's.
    if (found.pid && found.handle && holder(lock.get()) == found.pid)
      return found;
    std::this_thread::sleep_for(std::chrono::milliseconds{1});
  }
  return std::nullopt;
}

std::optional<starter::state> read_state(const std::string& directory) {
  auto path = fmt::format("{}/{}", directory, starter::state_name);
  owned_fd fd{open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW)};
  starter::state out;
  starter::state expected;
  if (!fd || read(fd.get(), &out, sizeof out) != sizeof out
      || std::memcmp(out.magic, expected.magic, sizeof out.magic) != 0
      || out.checksum != checksum_of(out) || out.port_count > starter::most_ports)
    return std::nullopt;
  return out;
}

result<child_process> spawn_sweep(const std::string& program, std::int64_t uid,
                                  const std::string& home) {
  spawn_order out;
  out.program = program;
  out.args = {"--sweep", std::to_string(uid), home};
  return spawn(out);
}

std::string problem_text(const starter::state& state, const starter_setup& setup,
                         const std::string& binary) {
  auto path = setup.home + "/" + binary;
  auto why = std::strerror(state.error);
  switch (state.failed) {
    case starter::problem::output:
      return fmt::format("cannot write its output to {}: {}", setup.log, why);
    case starter::problem::limits:
      return fmt::format("cannot set the limits for {}: {}", path, why);
    case starter::problem::user:
      return fmt::format("cannot become user {} to run {}: {}", setup.uid, path, why);
    case starter::problem::home:
      if (state.error == ENOENT)
        return fmt::format("cannot run {}: its directory {} is not there; unpack it first", path,
                           setup.home);
      return fmt::format("cannot enter the directory {}: {}", setup.home, why);
    case starter::problem::exec:
      break;
    default:
      return fmt::format("cannot create a process for {}: {}", path, why);
  }
  switch (state.error) {
    case ENOENT:
      if (access(path.c_str(), F_OK) == 0)
        return fmt::format("cannot run {}: the interpreter or loader that it names is not on this "
                           "machine",
                           path);
      return fmt::format("cannot run {}: there is no such file", path);
    case EACCES:
      return fmt::format("cannot run {}: it is not executable for the user it runs as", path);
    case ENOEXEC:
      return fmt::format(
        "cannot run {}: it is neither a program for this machine nor a script that "
        "begins with #!",
        path);
    default:
      return fmt::format("cannot run {}: {}", path, why);
  }
}

} // namespace deployminator::agent
