#include "agent/linux/log_files.hpp"

#include "agent/linux/files.hpp"
#include "agent/linux/owned_fd.hpp"

#include <algorithm>
#include <cerrno>
#include <fcntl.h>
#include <optional>
#include <utility>
#include <vector>

#include <sys/stat.h>

namespace deployminator::agent {

using messages::failure;
using messages::failure_code;
using messages::result;

namespace {

/// How far back the beginning of the last lines is looked for.
constexpr std::uint64_t farthest_back = 4 * 1024 * 1024;
constexpr std::uint64_t block = 64 * 1024;

std::uint64_t size_of(int fd) {
  struct stat info {};
  return fstat(fd, &info) ? 0 : static_cast<std::uint64_t>(info.st_size);
}

/// The first byte from `offset` that was not taken out of the file, at most its end.
std::uint64_t next_data(int fd, std::uint64_t offset, std::uint64_t size) {
  auto data = lseek(fd, static_cast<off_t>(offset), SEEK_DATA);
  return data < 0 ? (errno == ENXIO ? size : offset) : static_cast<std::uint64_t>(data);
}

/// A log that was opened, or empty where there was no output yet.
result<owned_fd> open_log(const std::string& path) {
  owned_fd fd{open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW)};
  if (!fd && errno != ENOENT)
    return file_failure("read the output in", path);
  return fd;
}

/// Where in `data` the last `lines` lines begin, or nothing if `data` has fewer; then `lines` is
/// what is still to be found before it. A newline at the very end of the file ends the last line.
std::optional<std::size_t> find_start(const std::vector<char>& data, std::uint32_t& lines,
                                      bool at_end) {
  for (auto n = data.size(); n-- > 0;) {
    if (data[n] != '\n' || (at_end && n + 1 == data.size()))
      continue;
    if (--lines == 0)
      return n + 1;
  }
  return std::nullopt;
}

} // namespace

log_files::log_files(std::string directory) : directory_(std::move(directory)) {}

result<log_piece> log_files::read(const std::string& id, std::uint64_t offset, std::size_t limit) {
  auto path = directory_ + "/" + id + ".log";
  auto fd = open_log(path);
  if (!fd)
    return fd.error();
  log_piece out;
  if (!*fd)
    return out;
  auto size = size_of(fd->get());
  out.offset = offset < size ? next_data(fd->get(), offset, size) : size;
  out.data.resize(static_cast<std::size_t>(std::min<std::uint64_t>(size - out.offset, limit)));
  auto got = pread(fd->get(), out.data.data(), out.data.size(), static_cast<off_t>(out.offset));
  if (got < 0)
    return file_failure("read the output in", path);
  out.data.resize(static_cast<std::size_t>(got));
  out.more = out.offset + out.data.size() < size;
  return out;
}

result<std::uint64_t> log_files::offset_of_last_lines(const std::string& id, std::uint32_t lines) {
  auto path = directory_ + "/" + id + ".log";
  auto fd = open_log(path);
  if (!fd)
    return fd.error();
  auto size = *fd ? size_of(fd->get()) : 0;
  if (size == 0 || lines == 0)
    return size;
  auto lowest = next_data(fd->get(), size > farthest_back ? size - farthest_back : 0, size);
  for (auto end = size; end > lowest;) {
    auto begin = end - std::min(block, end - lowest);
    std::vector<char> data(static_cast<std::size_t>(end - begin));
    auto got = pread(fd->get(), data.data(), data.size(), static_cast<off_t>(begin));
    if (got < 0)
      return file_failure("read the output in", path);
    data.resize(static_cast<std::size_t>(got));
    if (auto start = find_start(data, lines, end == size))
      return begin + *start;
    end = begin;
  }
  return lowest;
}

void bound_log(const std::string& path, std::uint64_t most) {
  constexpr std::uint64_t alignment = 4096;
  struct stat info {};
  if (stat(path.c_str(), &info) || static_cast<std::uint64_t>(info.st_blocks) * 512 <= most)
    return;
  auto size = static_cast<std::uint64_t>(info.st_size);
  auto end = (size - std::min(size, most / 2)) / alignment * alignment;
  owned_fd fd{open(path.c_str(), O_WRONLY | O_CLOEXEC | O_NOFOLLOW)};
  if (fd && end > 0)
    fallocate(fd.get(), FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 0, static_cast<off_t>(end));
}

} // namespace deployminator::agent
