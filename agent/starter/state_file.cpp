#include "agent/starter/state_file.hpp"

#include <cerrno>
#include <fcntl.h>
#include <unistd.h>

#include <sys/stat.h>
#include <sys/uio.h>

namespace deployminator::agent::starter {

bool is_named(int fd, int at, const char* name) {
  struct stat mine {};
  struct stat there {};
  return fstat(fd, &mine) == 0 && fstatat(at, name, &there, AT_SYMLINK_NOFOLLOW) == 0
         && mine.st_dev == there.st_dev && mine.st_ino == there.st_ino;
}

int state_file::create(const char* dir) {
  int at = open(dir, O_PATH | O_DIRECTORY | O_CLOEXEC);
  if (at < 0)
    return errno;
  fd = openat(at, state_name, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
  int error = fd < 0 ? errno : 0;
  close(at);
  return error ? error : write();
}

int state_file::restore(const char* dir) {
  int at = open(dir, O_PATH | O_DIRECTORY | O_CLOEXEC);
  if (at < 0)
    return errno;
  bool is_there = is_named(fd, at, state_name);
  close(at);
  if (is_there)
    return write();
  int before = fd;
  int error = create(dir);
  if (fd >= 0)
    close(before);
  else
    fd = before;
  return error;
}

int state_file::write() {
  now.checksum = checksum_of(now);
  said.checksum = checksum_of(said);
  iovec both[] = {{&now, sizeof now}, {&said, sizeof said}};
  auto written = pwritev(fd, both, 2, 0);
  if (written < 0)
    return errno;
  return written == sizeof now + sizeof said ? 0 : ENOSPC;
}

} // namespace deployminator::agent::starter
