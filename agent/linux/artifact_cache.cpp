#include "agent/linux/artifact_cache.hpp"

#include "agent/linux/files.hpp"

#include <algorithm>
#include <array>
#include <cerrno>
#include <ctime>
#include <fcntl.h>
#include <filesystem>
#include <utility>
#include <vector>

#include <sys/stat.h>

namespace deployminator::agent {

using messages::result;

namespace {

namespace fs = std::filesystem;

bool is_hash(const std::string& name) {
  return name.size() == 64 && std::all_of(name.begin(), name.end(), [](char c) {
           return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f');
         });
}

struct cached_file {
  fs::path path;
  std::uint64_t size = 0;
  std::chrono::nanoseconds used{};
};

} // namespace

artifact_cache::artifact_cache(std::string directory, std::uint64_t most_bytes,
                               std::chrono::seconds protected_for)
  : directory_(std::move(directory)), most_bytes_(most_bytes), protected_for_(protected_for) {}

std::optional<artifact> artifact_cache::find(const std::string& sha256) {
  auto known = verified_.find(sha256);
  auto path = directory_ + "/" + sha256;
  struct stat info {};
  if (known == verified_.end() || lstat(path.c_str(), &info)
      || known->second != fingerprint_of(info))
    return std::nullopt;
  // The kernel's own "now" is too coarse to tell which of two quick uses was the later.
  std::array<timespec, 2> now{};
  clock_gettime(CLOCK_REALTIME, &now[0]);
  // Programs that run from a link to it may watch the time of their last change.
  now[1].tv_nsec = UTIME_OMIT;
  utimensat(AT_FDCWD, path.c_str(), now.data(), AT_SYMLINK_NOFOLLOW);
  // That was a change, too.
  if (lstat(path.c_str(), &info))
    return std::nullopt;
  known->second.changed = fingerprint_of(info).changed;
  if (known->second != fingerprint_of(info))
    return std::nullopt;
  return artifact{sha256, static_cast<std::uint64_t>(info.st_size), path};
}

owned_fd artifact_cache::open_doubtful(const std::string& sha256) const {
  if (!is_hash(sha256))
    return {};
  auto path = directory_ + "/" + sha256;
  owned_fd fd{open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK)};
  struct stat info {};
  bool is_file = fd && fstat(fd.get(), &info) == 0 && S_ISREG(info.st_mode);
  return is_file ? std::move(fd) : owned_fd{};
}

void artifact_cache::trust(const std::string& sha256, int fd) {
  struct stat info {};
  if (fstat(fd, &info) == 0)
    verified_[sha256] = fingerprint_of(info);
}

void artifact_cache::remove(const std::string& sha256) {
  verified_.erase(sha256);
  unlink((directory_ + "/" + sha256).c_str());
}

std::string artifact_cache::partial_path(const std::string& key) const {
  return directory_ + "/partial/" + key;
}

std::string artifact_cache::note_path(const std::string& key) const {
  return partial_path(key) + ".note";
}

result<owned_fd> artifact_cache::open_partial(const std::string& key) const {
  auto parent = directory_ + "/partial";
  if (mkdir(parent.c_str(), 0700) && errno != EEXIST)
    return file_failure("create the directory", parent);
  owned_fd fd{open(partial_path(key).c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600)};
  if (!fd)
    return file_failure("write", partial_path(key));
  return fd;
}

std::string artifact_cache::note(const std::string& key) const {
  auto text = read_file(note_path(key));
  return text ? *text : std::string{};
}

result<void> artifact_cache::save_note(const std::string& key, const std::string& note) const {
  return replace_file(note_path(key), note, false);
}

void artifact_cache::remove_partial(const std::string& key) const {
  unlink(partial_path(key).c_str());
  unlink(note_path(key).c_str());
}

void artifact_cache::remove_partials_but(const std::set<std::string>& keys) const {
  std::vector<fs::path> useless;
  std::error_code error;
  for (fs::directory_iterator it{directory_ + "/partial", error}, end; !error && it != end;
       it.increment(error))
    // No key has a dot; notes have.
    if (auto name = it->path().filename().string(); !keys.contains(name.substr(0, name.find('.'))))
      useless.push_back(it->path());
  for (const auto& path : useless)
    unlink(path.c_str());
}

result<artifact> artifact_cache::complete(const std::string& key, int fd,
                                          const std::string& sha256) {
  auto path = directory_ + "/" + sha256;
  struct stat info {};
  if (fsync(fd) || fstat(fd, &info))
    return file_failure("write", partial_path(key));
  if (rename(partial_path(key).c_str(), path.c_str()))
    return file_failure("put in the cache", path);
  owned_fd parent{open(directory_.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC)};
  if (!parent || fsync(parent.get()))
    return file_failure("sync the directory of", path);
  unlink(note_path(key).c_str());
  trust(sha256, fd);
  auto out = find(sha256);
  if (!out)
    return file_failure("find again", path);
  evict();
  return *out;
}

void artifact_cache::evict() {
  std::vector<cached_file> files;
  std::uint64_t all = 0;
  std::error_code error;
  for (fs::directory_iterator it{directory_, error}, end; !error && it != end;
       it.increment(error)) {
    struct stat info {};
    if (!is_hash(it->path().filename()) || lstat(it->path().c_str(), &info)
        || !S_ISREG(info.st_mode))
      continue;
    files.push_back(
      {it->path(), static_cast<std::uint64_t>(info.st_size), since_epoch(info.st_atim)});
    all += files.back().size;
  }
  std::sort(files.begin(), files.end(),
            [](const cached_file& a, const cached_file& b) { return a.used < b.used; });
  auto protected_from = std::chrono::system_clock::now().time_since_epoch() - protected_for_;
  // The newest is what was just fetched.
  for (std::size_t n = 0; n + 1 < files.size() && all > most_bytes_; ++n)
    if (files[n].used <= protected_from && fs::remove(files[n].path, error)) {
      all -= files[n].size;
      verified_.erase(files[n].path.filename());
    }
}

} // namespace deployminator::agent
