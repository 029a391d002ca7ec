#include "agent/starter/state_file.hpp"

#include <cerrno>
#include <fcntl.h>
#include <unistd.h>

namespace deployminator::agent::starter {

int state_file::create(const char* dir) {
  int at = open(dir, O_PATH | O_DIRECTORY | O_CLOEXEC);
  if (at < 0)
    return errno;
  fd = openat(at, state_name, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
  int error = fd < 0 ? errno : 0;
  close(at);
  return error ? error : write();
}

int state_file::write() {
  now.checksum = checksum_of(now);
  auto written = pwrite(fd, &now, sizeof now, 0);
  if (written < 0)
    return errno;
  return written == sizeof now ? 0 : ENOSPC;
}

} // namespace deployminator::agent::starter
