#include "agent/linux/partial_file.hpp"

#include "agent/linux/files.hpp"

#include <algorithm>
#include <cerrno>
#include <fcntl.h>
#include <unistd.h>
#include <utility>
#include <vector>

#include <sys/stat.h>
#include <sys/statvfs.h>

namespace deployminator::agent {

using messages::result;

namespace {

/// Hashed again between two looks at the network.
constexpr std::size_t rehash_piece = 4 * 1024 * 1024;
/// So often is the disk told to begin writing, so that the end has little to wait for.
constexpr std::uint64_t flush_every = 32 * 1024 * 1024;

std::string hash_of(const std::string& text) {
  sha256 digest;
  digest.add(text.data(), text.size());
  return digest.hex();
}

result<void> write_all(int fd, const char* data, std::size_t size, const std::string& path) {
  for (std::size_t done = 0; done < size;) {
    auto n = write(fd, data + done, size - done);
    if (n < 0 && errno == EINTR)
      continue;
    if (n < 0)
      return file_failure("write", path);
    done += static_cast<std::size_t>(n);
  }
  return {};
}

} // namespace

partial_file::partial_file(artifact_cache& cache, std::string key, const std::string& url)
  : cache_(cache), key_(std::move(key)), source_(hash_of(url) + "\n") {}

std::optional<std::uint64_t> partial_file::room() const {
  struct statvfs disk {};
  if (fstatvfs(file_.get(), &disk))
    return std::nullopt;
  return std::uint64_t{disk.f_bavail} * disk.f_frsize;
}

// -- opening --------------------------------------------------------------------------------------

result<void> partial_file::open() {
  auto file = cache_.open_partial(key_);
  if (!file)
    return file.error();
  file_ = std::move(*file);
  digest_.reset();
  bytes_ = flushed_ = 0;
  return {};
}

result<void> partial_file::create() {
  auto opened = open();
  return opened ? start_over() : opened;
}

result<bool> partial_file::resume(bool hash_is_known) {
  if (!file_)
    if (auto opened = open(); !opened)
      return opened.error();
  auto note = cache_.note(key_);
  bool same_source = note.starts_with(source_);
  validator_ = same_source ? note.substr(source_.size()) : "";
  struct stat info {};
  if (fstat(file_.get(), &info))
    return file_failure("read", path());
  resumable_ = static_cast<std::uint64_t>(info.st_size);
  bool may_resume = same_source && (!validator_.empty() || hash_is_known);
  if (resumable_ == 0 || !may_resume) {
    auto begun = start_over();
    return begun ? result<bool>{true} : begun.error();
  }
  if (bytes_ == resumable_)
    return true;
  digest_.reset();
  bytes_ = 0;
  if (lseek(file_.get(), 0, SEEK_SET) != 0)
    return file_failure("read", path());
  return false;
}

result<bool> partial_file::rehash() {
  std::vector<char> buffer(rehash_piece);
  auto want = std::min<std::uint64_t>(buffer.size(), resumable_ - bytes_);
  auto size = read(file_.get(), buffer.data(), static_cast<std::size_t>(want));
  if (size <= 0)
    return file_failure("read", path());
  digest_.add(buffer.data(), static_cast<std::size_t>(size));
  bytes_ += static_cast<std::uint64_t>(size);
  flushed_ = bytes_;
  return bytes_ == resumable_;
}

// -- bytes ----------------------------------------------------------------------------------------

result<void> partial_file::start_over() {
  digest_.reset();
  bytes_ = flushed_ = 0;
  patched_ = false;
  validator_.clear();
  if (ftruncate(file_.get(), 0) == 0 && lseek(file_.get(), 0, SEEK_SET) == 0)
    return {};
  return file_failure("write", path());
}

void partial_file::go_on() {
  patched_ = bytes_ > 0;
}

void partial_file::come_from(const std::string& validator) {
  validator_ = validator;
  // Without the note the next attempt starts over; no reason to give this one up.
  (void)cache_.save_note(key_, source_ + validator);
}

result<void> partial_file::append(const char* data, std::size_t size) {
  if (auto written = write_all(file_.get(), data, size, path()); !written) {
    discard();
    return written;
  }
  digest_.add(data, size);
  bytes_ += size;
  if (bytes_ >= flushed_ + flush_every) {
    sync_file_range(file_.get(), static_cast<off_t>(flushed_),
                    static_cast<off_t>(bytes_ - flushed_), SYNC_FILE_RANGE_WRITE);
    flushed_ = bytes_;
  }
  return {};
}

// -- the end --------------------------------------------------------------------------------------

std::string partial_file::head(std::size_t size) const {
  std::string out(size, 0);
  auto have = pread(file_.get(), out.data(), out.size(), 0);
  out.resize(have > 0 ? static_cast<std::size_t>(have) : 0);
  return out;
}

std::string partial_file::take_hash() {
  auto out = digest_.hex();
  // A digest that was read takes no more.
  digest_.reset();
  return out;
}

result<artifact> partial_file::complete(const std::string& hash) {
  auto done = cache_.complete(key_, file_.get(), hash);
  // A file that is open for writing cannot be executed.
  file_.reset();
  return done;
}

void partial_file::discard() {
  cache_.remove_partial(key_);
  file_.reset();
  patched_ = false;
}

} // namespace deployminator::agent
