#include "agent/unpack/extraction.hpp"

#include "agent/decisions/content_kind.hpp"
#include "agent/unpack/byte_stream.hpp"
#include "agent/unpack/entry_policy.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <archive.h>
#include <archive_entry.h>
#include <cerrno>
#include <cstring>
#include <fcntl.h>
#include <filesystem>
#include <memory>
#include <optional>
#include <unistd.h>
#include <vector>

#include <linux/openat2.h>
#include <sys/stat.h>
#include <sys/syscall.h>

namespace deployminator::agent::unpack {

using messages::failure;
using messages::failure_code;
using messages::result;

namespace {

struct free_reader {
  void operator()(archive* a) const {
    archive_read_free(a);
  }
};
struct free_writer {
  void operator()(archive* a) const {
    archive_write_free(a);
  }
};
using reader = std::unique_ptr<archive, free_reader>;
using writer = std::unique_ptr<archive, free_writer>;

failure invalid(std::string message) {
  return {failure_code::invalid, std::move(message), {}};
}

failure cannot_write(std::string_view path, std::string_view why) {
  std::error_code ignored;
  return {failure_code::internal,
          fmt::format("cannot write {}/{}: {}", std::filesystem::current_path(ignored).string(),
                      shown(path), why),
          {}};
}

/// What `path` leads to without leaving the working directory, nor by way of a link where
/// `no_links`; -1 with errno.
int open_inside(const std::string& path, bool no_links) {
  open_how how{};
  how.flags = O_PATH | O_CLOEXEC;
  how.resolve = RESOLVE_BENEATH | (no_links ? RESOLVE_NO_SYMLINKS : RESOLVE_NO_MAGICLINKS);
  return static_cast<int>(syscall(SYS_openat2, AT_FDCWD, path.c_str(), &how, sizeof how));
}

/// Whether the path itself, not by way of a link, is a file below the working directory.
bool is_file_inside(const std::string& path) {
  int fd = open_inside(path, true);
  struct stat info {};
  bool known = fd >= 0 && fstat(fd, &info) == 0;
  if (fd >= 0)
    close(fd);
  return known && S_ISREG(info.st_mode);
}

/// The first names of regular files, for the sentence about one that is missing.
struct contents {
  static constexpr std::size_t most = 8;
  std::vector<std::string> names;
  std::uint64_t files = 0;

  void add(const std::string& path) {
    if (++files <= most)
      names.push_back(shown(path));
  }
  std::string text() const {
    if (files == 0)
      return "it holds no file";
    return fmt::format("it holds: {}{}", fmt::join(names, ", "), files > most ? ", …" : "");
  }
};

/// An archive on its way to the disk.
class extraction {
public:
  /// `stream`: what comes out of `fd` where that is compressed.
  extraction(int fd, byte_stream* stream, const limits& most)
    : in_(archive_read_new()), out_(archive_write_disk_new()), stream_(stream), most_(most) {
    archive_read_support_format_tar(in_.get());
    archive_read_support_format_zip(in_.get());
    archive_write_disk_set_options(
      out_.get(), ARCHIVE_EXTRACT_SECURE_NODOTDOT | ARCHIVE_EXTRACT_SECURE_SYMLINKS
                    | ARCHIVE_EXTRACT_SECURE_NOABSOLUTEPATHS | ARCHIVE_EXTRACT_TIME);
    opened_ = (stream ? archive_read_open(in_.get(), this, nullptr, read_stream, nullptr)
                      : archive_read_open_fd(in_.get(), fd, piece))
              == ARCHIVE_OK;
  }

  result<contents> run() {
    if (!opened_)
      return damaged();
    contents held;
    archive_entry* entry = nullptr;
    for (;;) {
      int status = archive_read_next_header(in_.get(), &entry);
      if (status == ARCHIVE_EOF)
        break;
      if (status != ARCHIVE_OK && status != ARCHIVE_WARN)
        return damaged();
      auto path = admit(entry);
      if (!path)
        return path.error();
      if (path->empty())
        continue;
      if (auto written = write(entry, *path); !written)
        return written.error();
      if (archive_entry_filetype(entry) == AE_IFREG)
        held.add(*path);
    }
    if (entries_ == 0)
      return invalid("the archive is empty");
    if (auto rest = read_rest(); !rest)
      return rest.error();
    return held;
  }

private:
  static constexpr std::size_t piece = 256 * 1024;

  static la_ssize_t read_stream(archive* a, void* self, const void** block) {
    auto& me = *static_cast<extraction*>(self);
    auto size = me.stream_->read(me.block_.data(), me.block_.size());
    *block = me.block_.data();
    if (size)
      return static_cast<la_ssize_t>(*size);
    me.stream_failure_ = size.error();
    archive_set_error(a, EIO, "the stream failed");
    return ARCHIVE_FATAL;
  }

  /// What follows the archive's end: only then is known that all of it was right.
  result<void> read_rest() {
    for (std::uint64_t rest = 0; stream_;) {
      auto size = stream_->read(block_.data(), block_.size());
      if (!size)
        return size.error();
      if (*size == 0)
        break;
      rest += *size;
      if (auto fits = check_block(rest, "what follows the end"); !fits)
        return fits;
    }
    return {};
  }

  [[nodiscard]] std::uint64_t bytes_in() const {
    return stream_ ? stream_->taken()
                   : static_cast<std::uint64_t>(
                     std::max<la_int64_t>(archive_filter_bytes(in_.get(), -1), 0));
  }

  /// Checks the entry against the policy and makes it harmless: its path, where it may come out.
  result<std::string> admit(archive_entry* entry) {
    const char* raw = archive_entry_pathname(entry);
    if (!raw)
      raw = archive_entry_pathname_utf8(entry);
    if (!raw)
      return invalid("refused an entry whose name cannot be read");
    auto path = checked_path(raw);
    if (!path)
      return path;
    if (++entries_ > most_.entries)
      return invalid(
        fmt::format("refused the archive: it has more than {} entries", most_.entries));
    if (depth_of(*path) > most_.depth)
      return invalid(fmt::format("refused entry \"{}\": it is more than {} directories deep",
                                 shown(*path), most_.depth));
    if (auto kind = check_kind(entry, *path); !kind)
      return kind.error();
    archive_entry_set_pathname(entry, path->c_str());
    return path;
  }

  result<void> check_kind(archive_entry* entry, const std::string& path) {
    if (const char* target = archive_entry_hardlink(entry))
      return check_hard_link(entry, path, target);
    auto mode = archive_entry_perm(entry) & 0755;
    switch (archive_entry_filetype(entry)) {
      case AE_IFREG:
        archive_entry_set_perm(entry, mode | 0600);
        return check_size(archive_entry_size_is_set(entry) ? archive_entry_size(entry) : 0, path);
      case AE_IFDIR:
        archive_entry_set_perm(entry, mode | 0700);
        return {};
      case AE_IFLNK: {
        const char* target = archive_entry_symlink(entry);
        return check_link(path, target ? target : "");
      }
      default:
        return invalid(fmt::format("refused entry \"{}\": it is neither a file, a directory nor a "
                                   "link",
                                   shown(path)));
    }
  }

  /// Only to a file that came out already, by a path that is no link's.
  result<void> check_hard_link(archive_entry* entry, const std::string& path, const char* target) {
    auto inside = checked_path(target);
    if (!inside)
      return inside.error();
    if (*inside == path || !is_file_inside(*inside))
      return invalid(fmt::format("refused entry \"{}\": it is a hard link to \"{}\", which is no "
                                 "file of the archive before it",
                                 shown(path), shown(target)));
    archive_entry_set_hardlink(entry, inside->c_str());
    // Its data would be written into the other file.
    archive_entry_unset_size(entry);
    return {};
  }

  result<void> check_size(std::int64_t size, const std::string& path) const {
    if (size < 0 || static_cast<std::uint64_t>(size) > most_.bytes - bytes_)
      return invalid(fmt::format("refused entry \"{}\": the archive unpacks to more than {} bytes",
                                 shown(path), most_.bytes));
    return {};
  }

  result<void> write(archive_entry* entry, const std::string& path) {
    // A file's data is written here; a link has none, whatever the archive says.
    if (archive_write_header(out_.get(), entry) != ARCHIVE_OK)
      return write_failure(path);
    const void* block = nullptr;
    std::size_t size = 0;
    la_int64_t offset = 0;
    std::uint64_t end = 0;
    bool file = archive_entry_filetype(entry) == AE_IFREG && !archive_entry_hardlink(entry);
    for (int status = ARCHIVE_OK; file;) {
      status = archive_read_data_block(in_.get(), &block, &size, &offset);
      if (status == ARCHIVE_EOF)
        break;
      if (status != ARCHIVE_OK && status != ARCHIVE_WARN)
        return damaged();
      // Holes count: what is read back is zeros.
      end = std::max(end, static_cast<std::uint64_t>(offset) + size);
      if (auto fits = check_block(end, path); !fits)
        return fits;
      if (size > 0 && archive_write_data_block(out_.get(), block, size, offset) != ARCHIVE_OK)
        return write_failure(path);
    }
    if (archive_write_finish_entry(out_.get()) != ARCHIVE_OK)
      return write_failure(path);
    if (file && archive_entry_size_is_set(entry))
      end = std::max(end, static_cast<std::uint64_t>(archive_entry_size(entry)));
    auto fits = check_block(end, path);
    bytes_ += end;
    return fits;
  }

  result<void> check_block(std::uint64_t end, const std::string& path) const {
    if (auto fits = check_size(static_cast<std::int64_t>(end), path); !fits)
      return fits;
    auto all = bytes_ + end;
    if (all > limits::free_bytes && all / std::max<std::uint64_t>(bytes_in(), 1) > most_.ratio)
      return invalid(fmt::format("refused entry \"{}\": the archive unpacks to more than {} times "
                                 "its size",
                                 shown(path), most_.ratio));
    return {};
  }

  failure damaged() {
    if (stream_failure_)
      return *stream_failure_;
    const char* text = archive_error_string(in_.get());
    return invalid(fmt::format("the archive is damaged: {}", text ? text : "it ends too early"));
  }

  failure write_failure(const std::string& path) {
    int error = archive_errno(out_.get());
    const char* text = archive_error_string(out_.get());
    return cannot_write(path, error > 0 ? std::strerror(error) : text ? text : "unknown error");
  }

  reader in_;
  writer out_;
  byte_stream* stream_;
  std::vector<char> block_ = std::vector<char>(piece);
  std::optional<failure> stream_failure_;
  limits most_;
  bool opened_ = false;
  std::uint64_t entries_ = 0;
  std::uint64_t bytes_ = 0;
};

/// Where links lead out of the archive, to what may be run there: an interpreter, say.
bool leads_to_program_outside(const std::string& binary) {
  struct stat info {};
  return errno == EXDEV && stat(binary.c_str(), &info) == 0 && S_ISREG(info.st_mode)
         && access(binary.c_str(), X_OK) == 0;
}

result<void> check_binary(const std::string& binary, const contents& held) {
  int fd = open_inside(binary, false);
  if (fd < 0 && leads_to_program_outside(binary))
    return {};
  if (fd < 0)
    return invalid(fmt::format("the archive has no \"{}\"; {}", shown(binary), held.text()));
  struct stat info {};
  bool known = fstat(fd, &info) == 0;
  close(fd);
  if (!known || !S_ISREG(info.st_mode))
    return invalid(
      fmt::format("\"{}\" in the archive is a directory, not a program", shown(binary)));
  if (!(info.st_mode & S_IXUSR))
    return invalid(fmt::format("\"{}\" in the archive is not executable (mode {:o})", shown(binary),
                               info.st_mode & 0777));
  return {};
}

result<void> write_all_of(const char* data, std::size_t size, int out, const std::string& path) {
  for (std::size_t done = 0; done < size;) {
    auto n = ::write(out, data + done, size - done);
    if (n < 0)
      return cannot_write(path, std::strerror(errno));
    done += static_cast<std::size_t>(n);
  }
  return {};
}

result<void> check_program_size(std::uint64_t bytes, const byte_stream& from, const limits& most) {
  if (bytes > most.bytes)
    return invalid(fmt::format("the artifact is larger than {} bytes", most.bytes));
  auto taken = std::max<std::uint64_t>(from.taken(), 1);
  if (bytes > limits::free_bytes && bytes / taken > most.ratio)
    return invalid(
      fmt::format("refused the artifact: it unpacks to more than {} times its size", most.ratio));
  return {};
}

/// Copies a program to `path` below the working directory, mode 755.
result<void> write_program(byte_stream& from, const std::string& path, const limits& most) {
  if (auto parent = std::filesystem::path{path}.parent_path(); !parent.empty()) {
    std::error_code error;
    std::filesystem::create_directories(parent, error);
    if (error)
      return cannot_write(path, error.message());
  }
  int out = open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0755);
  if (out < 0)
    return cannot_write(path, std::strerror(errno));
  std::vector<char> block(1024 * 1024);
  for (std::uint64_t total = 0;;) {
    auto size = from.read(block.data(), block.size());
    if (!size)
      return size.error();
    if (*size == 0)
      break;
    total += *size;
    if (auto fits = check_program_size(total, from, most); !fits)
      return fits;
    if (auto written = write_all_of(block.data(), *size, out, path); !written)
      return written;
  }
  if (close(out))
    return cannot_write(path, std::strerror(errno));
  return {};
}

/// What the first bytes of a file say; the file is read from its beginning afterwards.
content_kind kind_of_file(int fd) {
  std::string head(content_head, 0);
  auto size = pread(fd, head.data(), head.size(), 0);
  head.resize(size > 0 ? static_cast<std::size_t>(size) : 0);
  return kind_of_content(head);
}

} // namespace

result<void> lay_out(int artifact, const wanted& what, const limits& most) {
  bool has_name = what.runs_binary || !what.binary.empty();
  auto path = has_name ? checked_path(what.binary) : result<std::string>{std::string{}};
  if (!path)
    return path.error();
  auto kind = kind_of_file(artifact);
  bool is_compressed = kind == content_kind::compressed;
  peeked_stream stream{is_compressed ? decompressed_stream(artifact) : plain_stream(artifact)};
  if (is_compressed) {
    auto head = stream.peek(content_head);
    if (!head)
      return head.error();
    kind = kind_of_content(*head);
  }
  if (kind == content_kind::archive) {
    auto held = extraction{artifact, is_compressed ? &stream : nullptr, most}.run();
    if (!held)
      return held.error();
    return what.runs_binary ? check_binary(*path, *held) : result<void>{};
  }
  if (!has_name || (what.archive && kind != content_kind::program))
    return invalid("the artifact is not an archive: expected tar (plain, gz, bz2, xz or zst) or "
                   "zip");
  return write_program(stream, *path, most);
}

} // namespace deployminator::agent::unpack
