#include "agent/linux/log_files.hpp"

#include "agent/linux/directories.hpp"
#include "agent/linux/files.hpp"
#include "agent/starter/segment_name.hpp"
#include "messages/codec.hpp"
#include "messages/log_line.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <fcntl.h>
#include <filesystem>
#include <unistd.h>
#include <utility>

#include <sys/stat.h>

namespace deployminator::agent {

using messages::failure;
using messages::failure_code;
using messages::kept_log;
using messages::result;
using messages::timestamp;

namespace {

namespace fs = std::filesystem;

/// How far back the beginning of the last lines is looked for.
constexpr std::uint64_t farthest_back = 16 * 1024 * 1024;
constexpr std::uint64_t block = 64 * 1024;
/// Begins with a line or holds the beginning of one, unless that is longer than the starter makes
/// them.
constexpr std::uint64_t window = 32 * 1024;
/// How many logs an answer tells of.
constexpr std::size_t most_found = 500;

constexpr std::string_view log_ending = ".log";
constexpr std::string_view end_ending = ".end";

std::string log_path(const std::string& directory, const std::string& id) {
  return fmt::format("{}/{}{}", directory, id, log_ending);
}

std::string end_path(const std::string& directory, const std::string& id) {
  return fmt::format("{}/{}{}", directory, id, end_ending);
}

result<owned_fd> open_log_file(const log_file& file) {
  owned_fd fd{open(file.path.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW)};
  if (!fd)
    return file_failure("read the output in", file.path);
  return fd;
}

/// At most `size` bytes of the file from `offset`, counted in it.
result<std::string> read_at(int fd, const log_file& file, std::uint64_t offset,
                            std::uint64_t size) {
  std::string out(static_cast<std::size_t>(std::min(size, file.size - offset)), '\0');
  auto got = pread(fd, out.data(), out.size(), static_cast<off_t>(offset));
  if (got < 0)
    return file_failure("read the output in", file.path);
  out.resize(static_cast<std::size_t>(got));
  return out;
}

/// The first byte from `offset` that was not taken out of the file, at most its end.
std::uint64_t next_data(int fd, std::uint64_t offset, std::uint64_t size) {
  auto data = lseek(fd, static_cast<off_t>(offset), SEEK_DATA);
  return data < 0 ? (errno == ENXIO ? size : offset) : static_cast<std::uint64_t>(data);
}

/// Where in `data` the last `lines` lines begin, or nothing if `data` has fewer; then `lines` is
/// what is still to be found before it. A line break at the very end of the log ends the last line.
std::optional<std::size_t> find_start(const std::string& data, std::uint32_t& lines, bool at_end) {
  for (auto n = data.size(); n-- > 0;) {
    n = data.rfind('\n', n);
    if (n == std::string::npos)
      break;
    if (at_end && n + 1 == data.size())
      continue;
    if (--lines == 0)
      return n + 1;
  }
  return std::nullopt;
}

/// Where the last lines begin in a file, counted in it, not before `lowest`; nothing where it has
/// fewer.
result<std::optional<std::uint64_t>> start_in_file(const log_file& file, std::uint64_t lowest,
                                                   std::uint32_t& lines, bool is_newest) {
  auto fd = open_log_file(file);
  if (!fd)
    return fd.error();
  lowest = next_data(fd->get(), lowest, file.size);
  for (auto end = file.size; end > lowest;) {
    auto begin = end - std::min(block, end - lowest);
    auto data = read_at(fd->get(), file, begin, end - begin);
    if (!data)
      return data.error();
    if (auto start = find_start(*data, lines, is_newest && end == file.size))
      return std::optional{begin + *start};
    end = begin;
  }
  if (lowest == 0)
    return std::optional<std::uint64_t>{};
  auto torn = read_at(fd->get(), file, lowest, window);
  if (!torn)
    return torn.error();
  return std::optional{lowest + std::min(torn->find('\n') + 1, torn->size())};
}

// -- looking for a time ---------------------------------------------------------------------------

struct dated_line {
  std::uint64_t offset = 0;
  timestamp time;
};

/// The first line with a time that begins at `offset` or, unless that is where the file begins,
/// behind the next line break, within a window. Nothing where there is none.
result<std::optional<dated_line>> dated_line_from(int fd, const log_file& file,
                                                  std::uint64_t offset, timestamp not_before = {}) {
  auto data = read_at(fd, file, offset, window);
  if (!data)
    return data.error();
  std::string_view left = *data;
  if (offset > 0)
    messages::take_line(left);
  while (!left.empty()) {
    auto at = offset + (data->size() - left.size());
    auto line = messages::log_line_from(messages::take_line(left));
    if (line.time && line.time >= not_before)
      return std::optional{dated_line{at, line.time}};
  }
  return std::optional<dated_line>{};
}

/// Where in the file the first line of this time or a later one begins. Times within it grow, but
/// where a clock was set back.
result<std::uint64_t> find_time(int fd, const log_file& file, timestamp time) {
  std::uint64_t low = 0;
  auto high = file.size;
  while (high - low > window) {
    auto middle = low + (high - low) / 2;
    auto line = dated_line_from(fd, file, middle);
    if (!line)
      return line.error();
    if (*line && (*line)->time < time)
      low = middle;
    else
      high = middle;
  }
  // A line's beginning in this part of the file, and one behind it at the latest.
  for (auto from = low; from < file.size; from += window / 2) {
    auto line = dated_line_from(fd, file, from, time);
    if (!line)
      return line.error();
    if (*line)
      return (*line)->offset;
  }
  return file.size;
}

// -- logs of instances that are gone --------------------------------------------------------------

/// What is known of a log of this name.
std::optional<kept_log> read_end(const std::string& path, const std::string& id) {
  auto bytes = read_file(path);
  if (!bytes)
    return std::nullopt;
  auto out = messages::try_from_bytes<kept_log>(*bytes);
  if (out)
    out->instance = id;
  return out;
}

/// Whole lines, unless nobody will ever end the last one.
void cut_to_lines(log_piece& piece, bool at_end_of_file, bool is_growing) {
  if (at_end_of_file && !is_growing)
    return;
  auto last = piece.data.rfind('\n');
  if (last != std::string::npos)
    piece.data.resize(last + 1);
  else if (at_end_of_file)
    piece.data.clear();
}

} // namespace

result<std::vector<log_file>> files_of_log(const std::string& directory, const std::string& id) {
  auto path = log_path(directory, id);
  std::vector<log_file> out;
  // It may be a client's word, and names a file.
  if (!is_instance_id(id))
    return failure{failure_code::not_found, "there is no such instance", {}};
  struct stat info {};
  if (lstat(path.c_str(), &info)) {
    if (errno != ENOENT)
      return file_failure("look at", path);
    return out;
  }
  if (S_ISREG(info.st_mode)) {
    out.push_back({path, 0, static_cast<std::uint64_t>(info.st_size)});
    return out;
  }
  std::error_code error;
  for (fs::directory_iterator it{path, error}, end; !error && it != end; it.increment(error)) {
    auto name = it->path().filename().string();
    auto start = starter::start_in(name.c_str());
    if (start != starter::no_start && stat(it->path().c_str(), &info) == 0)
      out.push_back({it->path().string(), start, static_cast<std::uint64_t>(info.st_size)});
  }
  if (error) {
    errno = error.value();
    return file_failure("list", path);
  }
  std::sort(out.begin(), out.end(),
            [](const log_file& a, const log_file& b) { return a.start < b.start; });
  return out;
}

log_files::log_files(std::string directory) : directory_(std::move(directory)) {}

result<log_piece> log_files::read(const std::string& id, std::uint64_t offset, std::size_t limit) {
  constexpr int attempts = 5;
  auto out = try_to_read(id, offset, limit);
  // A file that was just to be read may be the oldest one, and go.
  for (int n = 1; n < attempts && !out && out.error().code == failure_code::not_found; ++n)
    out = try_to_read(id, offset, limit);
  return out;
}

result<log_piece> log_files::try_to_read(const std::string& id, std::uint64_t offset,
                                         std::size_t limit) const {
  log_piece out;
  // First: what is read afterwards is all there will ever be.
  out.gone = end_of(directory_, id);
  auto files = files_of_log(directory_, id);
  if (!files)
    return files.error();
  if (files->empty())
    return out;
  out.end = files->back().end();
  auto file = std::find_if(files->begin(), files->end() - 1,
                           [offset](const log_file& f) { return offset < f.end(); });
  bool is_newest = file + 1 == files->end();
  auto fd = open_log_file(*file);
  if (!fd)
    return fd.error();
  offset = std::clamp(offset, file->start, file->end());
  out.offset = file->start + next_data(fd->get(), offset - file->start, file->size);
  auto data = read_at(fd->get(), *file, out.offset - file->start, limit);
  if (!data)
    return data.error();
  out.data = std::move(*data);
  bool is_plain = file->path == log_path(directory_, id);
  bool at_end = out.offset + out.data.size() == file->end();
  cut_to_lines(out, at_end, is_newest && !out.gone && !is_plain);
  out.more = !is_newest || !at_end;
  return out;
}

result<std::uint64_t> log_files::offset_of_last_lines(const std::string& id, std::uint32_t lines) {
  auto files = files_of_log(directory_, id);
  if (!files)
    return files.error();
  auto end = files->empty() ? 0 : files->back().end();
  auto lowest = end - std::min(end, farthest_back);
  auto start = end;
  for (auto file = files->rbegin(); file != files->rend() && lines > 0; ++file) {
    if (file->end() < lowest)
      break;
    auto found = start_in_file(*file, lowest - std::min(lowest, file->start), lines,
                               file == files->rbegin());
    if (!found && found.error().code != failure_code::not_found)
      return found.error();
    // The oldest ones may just have gone.
    if (!found)
      break;
    start = file->start + found->value_or(0);
    if (*found)
      break;
  }
  return start;
}

result<std::uint64_t> log_files::offset_since(const std::string& id, timestamp time) {
  auto files = files_of_log(directory_, id);
  if (!files)
    return files.error();
  std::uint64_t start = 0;
  // The newest file that begins before that time has the line, or the next one begins with it.
  for (auto file = files->rbegin(); file != files->rend(); ++file) {
    auto fd = open_log_file(*file);
    if (!fd && fd.error().code == failure_code::not_found)
      break;
    if (!fd)
      return fd.error();
    auto first = dated_line_from(fd->get(), *file, 0);
    if (!first)
      return first.error();
    start = file->start;
    if (!*first || (*first)->time >= time)
      continue;
    auto found = find_time(fd->get(), *file, time);
    if (!found)
      return found.error();
    return file->start + *found;
  }
  return start;
}

result<kept_logs> log_files::find(const messages::find_logs& wanted) {
  kept_logs out;
  if (!wanted.instance.empty()) {
    if (auto found = end_of(directory_, wanted.instance))
      out.list.push_back(std::move(*found));
    return out;
  }
  std::error_code error;
  for (fs::directory_iterator it{directory_, error}, end; !error && it != end;
       it.increment(error)) {
    if (it->path().extension() != end_ending)
      continue;
    auto found = read_end(it->path().string(), it->path().stem().string());
    if (found && found->namespace_ == wanted.namespace_ && found->group == wanted.group)
      out.list.push_back(std::move(*found));
  }
  std::sort(out.list.begin(), out.list.end(),
            [](const kept_log& a, const kept_log& b) { return a.gone_at > b.gone_at; });
  out.more = out.list.size() > most_found;
  out.list.resize(std::min(out.list.size(), most_found));
  return out;
}

// -- writing --------------------------------------------------------------------------------------

result<void> note_end(const std::string& directory, const kept_log& last) {
  return replace_file(end_path(directory, last.instance), messages::to_bytes(last), false);
}

void forget_end(const std::string& directory, const std::string& id) {
  unlink(end_path(directory, id).c_str());
}

std::optional<kept_log> end_of(const std::string& directory, const std::string& id) {
  if (!is_instance_id(id))
    return std::nullopt;
  return read_end(end_path(directory, id), id);
}

void add_to_log(const std::string& directory, const std::string& id, timestamp now,
                const std::string& text) {
  auto files = files_of_log(directory, id);
  if (!files || files->empty())
    return;
  owned_fd fd{open(files->back().path.c_str(), O_RDWR | O_APPEND | O_CLOEXEC | O_NOFOLLOW)};
  if (!fd)
    return;
  auto said = fmt::format(" {} {}\n", messages::log_source::sys, text);
  auto from = files->back().size - std::min<std::uint64_t>(files->back().size, said.size());
  auto last = read_at(fd.get(), files->back(), from, said.size());
  // Another agent may have said so already.
  if (!last || *last == said)
    return;
  auto line = fmt::format("{}{}{}", last->empty() || last->back() == '\n' ? "" : "\n",
                          messages::to_text(now), said);
  // What cannot be noted is reported all the same.
  (void)!write(fd.get(), line.data(), line.size());
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
