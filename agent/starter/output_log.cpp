#include "agent/starter/output_log.hpp"

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <ctime>
#include <dirent.h>
#include <fcntl.h>
#include <unistd.h>

#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>

namespace deployminator::agent::starter {

namespace {

/// Ends the line that was torn, and tells what was lost.
constexpr std::size_t for_the_rest = 256;

std::int64_t utc_now_in_log() {
  timespec now{};
  clock_gettime(CLOCK_REALTIME, &now);
  return std::int64_t{now.tv_sec} * 1'000'000 + now.tv_nsec / 1'000;
}

iovec part(const char* text, std::size_t size) {
  return {const_cast<char*>(text), size};
}

/// Appends the text at `to` and returns where it ends.
char* put_text(char* to, const char* text) {
  return stpcpy(to, text);
}

/// The message of the library's own would need its tables.
char* put_reason(char* to, int error) {
  switch (error) {
    case ENOSPC:
      return put_text(to, "the disk is full");
    case EDQUOT:
      return put_text(to, "the quota is used up");
    case EIO:
      return put_text(to, "the disk fails");
    case EROFS:
      return put_text(to, "the file system is read-only");
    default:
      return put_number(put_text(to, "errno "), static_cast<std::uint64_t>(error));
  }
}

/// The log that an earlier release kept in a file of this name becomes the first file in a
/// directory of this name. An errno, or 0. Apart from its caller, whose stack would have room for
/// its names.
[[gnu::noinline]] int take_up_plain_file(const char* path) {
  char aside[4096];
  char first[4096];
  char name[name_digits + 1];
  put_name(0, name);
  if (strlen(path) > sizeof first - sizeof name - 8)
    return ENAMETOOLONG;
  put_text(put_text(aside, path), ".tmp");
  put_text(put_text(put_text(first, path), "/"), name);
  if (rename(path, aside) || mkdir(path, 0700) || rename(aside, first))
    return errno;
  // It was the program's.
  return chown(first, geteuid(), getegid()) || chmod(first, 0600) ? errno : 0;
}

/// An errno, or 0.
int make_directory(const char* path) {
  struct stat info {};
  if (mkdir(path, 0700) == 0)
    return 0;
  if (errno != EEXIST || lstat(path, &info))
    return errno;
  return S_ISREG(info.st_mode) ? take_up_plain_file(path) : 0;
}

} // namespace

/// Lines that are written at once: of one source, with one time.
struct output_log::batch {
  log_header whole;
  log_header begun;
  /// Three for each line, and one before them all.
  iovec parts[most_lines * 3 + 1];
  int count = 1;
  /// Of the texts alone, and of all.
  std::size_t sizes[most_lines];
  int lines = 0;
  std::size_t size = 0;

  batch(std::int64_t now, source from) : whole(now, from, false), begun(now, from, true) {
    parts[0] = part("\n", 0);
  }

  void add(const piece& p) {
    const auto& header = p.goes_on ? begun : whole;
    parts[count++] = part(header.text, header.size);
    parts[count++] = part(p.text, p.size + (p.is_ended ? 1 : 0));
    parts[count++] = part("\n", p.is_ended ? 0 : 1);
    sizes[lines++] = p.size;
    size += header.size + p.size + 1;
  }
};

int output_log::open(const char* path, std::uint64_t limit) {
  // It may be tried again after it failed.
  if (directory_ >= 0)
    close(directory_);
  segments_ = segments{limit};
  if (int error = make_directory(path))
    return error;
  directory_ = ::open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
  if (directory_ < 0)
    return errno;
  alignas(dirent64) char entries[1024];
  char name[name_digits + 1];
  for (;;) {
    auto size = syscall(SYS_getdents64, directory_, entries, sizeof entries);
    if (size <= 0)
      break;
    for (long at = 0; at < size;) {
      auto* entry = reinterpret_cast<dirent64*>(entries + at);
      at += entry->d_reclen;
      auto start = start_in(entry->d_name);
      if (start == no_start)
        continue;
      if (auto gone = segments_.add(start); gone != no_start) {
        put_name(gone, name);
        unlinkat(directory_, name, 0);
      }
    }
  }
  if (!segments_.is_empty())
    return open_newest();
  int error = begin_file();
  // A disk that is full now is not so for ever.
  return error == ENOSPC || error == EDQUOT ? 0 : error;
}

int output_log::open_newest() {
  char name[name_digits + 1];
  put_name(segments_.newest(), name);
  file_ = openat(directory_, name, O_RDWR | O_APPEND | O_NOFOLLOW | O_CLOEXEC);
  if (file_ < 0)
    return errno;
  auto size = lseek(file_, 0, SEEK_END);
  char last = '\n';
  if (size > 0 && pread(file_, &last, 1, size - 1) != 1)
    return errno;
  segments_.grow(static_cast<std::uint64_t>(size));
  is_torn_ = last != '\n';
  return 0;
}

int output_log::begin_file() {
  char name[name_digits + 1];
  put_name(segments_.next(), name);
  int file = openat(directory_, name,
                    O_WRONLY | O_CREAT | O_EXCL | O_APPEND | O_NOFOLLOW | O_CLOEXEC, 0600);
  if (file < 0)
    return errno;
  if (file_ >= 0)
    close(file_);
  file_ = file;
  segments_.begin_next();
  is_torn_ = false;
  return 0;
}

bool output_log::prepare(std::uint64_t bytes) {
  char name[name_digits + 1];
  for (auto gone = segments_.take_surplus(bytes); gone != no_start;
       gone = segments_.take_surplus(bytes)) {
    put_name(gone, name);
    unlinkat(directory_, name, 0);
  }
  if (!segments_.wants_new(bytes))
    return true;
  int error = begin_file();
  if (error)
    lost_why_ = error;
  return error == 0;
}

std::size_t output_log::write_some(iovec* parts, int count, std::size_t size) {
  auto written = writev(file_, parts, count);
  if (written < static_cast<ssize_t>(size))
    lost_why_ = written < 0 ? errno : ENOSPC;
  if (written <= 0)
    return 0;
  segments_.grow(static_cast<std::uint64_t>(written));
  return static_cast<std::size_t>(written);
}

/// Says what was lost, in its place: before what was not.
bool output_log::tell_lost() {
  if (lost_lines_ == 0)
    return true;
  log_header header{utc_now_in_log(), source::sys, false};
  char text[160];
  char* to = put_text(text, "dropped ");
  to = put_text(put_number(to, lost_lines_), lost_lines_ == 1 ? " line, " : " lines, ");
  to = put_text(put_number(to, lost_bytes_), lost_bytes_ == 1 ? " byte: " : " bytes: ");
  to = put_reason(to, lost_why_);
  *to++ = '\n';
  iovec parts[] = {part("\n", is_torn_ ? 1 : 0), part(header.text, header.size),
                   part(text, static_cast<std::size_t>(to - text))};
  auto size = parts[0].iov_len + parts[1].iov_len + parts[2].iov_len;
  auto written = write_some(parts, 3, size);
  is_torn_ = written == 0 ? is_torn_ : written < size;
  if (written < size)
    return false;
  lost_lines_ = lost_bytes_ = 0;
  lost_why_ = 0;
  return true;
}

void output_log::count_lost(const batch& what, std::size_t written) {
  for (int n = 0; n < what.lines; ++n) {
    const auto* parts = what.parts + 1 + n * 3;
    auto size = parts[0].iov_len + parts[1].iov_len + parts[2].iov_len;
    if (written >= size) {
      written -= size;
      continue;
    }
    auto kept = written > parts[0].iov_len ? written - parts[0].iov_len : 0;
    ++lost_lines_;
    lost_bytes_ += what.sizes[n] - (kept < what.sizes[n] ? kept : what.sizes[n]);
    is_torn_ = is_torn_ || written > 0;
    written = 0;
  }
}

void output_log::write(batch& what) {
  if (what.lines == 0)
    return;
  if (!prepare(what.size + for_the_rest) || !tell_lost())
    return count_lost(what, 0);
  std::size_t mended = is_torn_ ? 1 : 0;
  what.parts[0].iov_len = mended;
  auto written = write_some(what.parts, what.count, what.size + mended);
  if (written == 0)
    return count_lost(what, 0);
  is_torn_ = false;
  if (written < what.size + mended)
    count_lost(what, written - mended);
}

void output_log::settle() {
  if (lost_lines_ > 0 && prepare(for_the_rest))
    tell_lost();
}

void output_log::put(source from, line_buffer& lines, rest unended) {
  auto now = utc_now_in_log();
  piece next;
  for (bool more = true; more;) {
    batch some{now, from};
    while (some.lines < most_lines && (more = lines.next(next)))
      some.add(next);
    if (!more && unended != rest::stays && lines.rest(next, unended == rest::goes_on))
      some.add(next);
    write(some);
  }
}

} // namespace deployminator::agent::starter
