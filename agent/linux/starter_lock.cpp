#include "agent/linux/starter_lock.hpp"

#include "agent/linux/files.hpp"
#include "agent/starter/protocol.hpp"

#include <fmt/format.h>

#include <cerrno>
#include <fcntl.h>

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

owned_fd open_lock(const std::string& directory) {
  return owned_fd{open(lock_path(directory).c_str(), O_RDWR | O_CLOEXEC | O_NOFOLLOW)};
}

} // namespace

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
                 fmt::format("a starter that this agent does not know holds {}: restart the agent, "
                             "which then takes it over",
                             path),
                 {}};
}

bool is_locked(const std::string& directory) {
  auto lock = open_lock(directory);
  auto probe = one_byte(starter::alive_byte);
  return lock && fcntl(lock.get(), F_OFD_GETLK, &probe) == 0 && probe.l_type != F_UNLCK;
}

pid_t lock_holder(const std::string& directory) {
  auto lock = open_lock(directory);
  auto probe = one_byte(starter::pid_byte);
  return lock && fcntl(lock.get(), F_GETLK, &probe) == 0 && probe.l_type != F_UNLCK ? probe.l_pid
                                                                                    : 0;
}

} // namespace deployminator::agent
