#include "agent/linux/unpacked_tree.hpp"

#include "agent/linux/files.hpp"
#include "agent/linux/owned_fd.hpp"

#include <array>
#include <cerrno>
#include <climits>
#include <cstdio>
#include <cstring>
#include <dirent.h>
#include <fcntl.h>
#include <unistd.h>
#include <utility>
#include <vector>

#include <linux/fs.h>
#include <sys/ioctl.h>

namespace deployminator::agent {

using messages::failure_code;
using messages::result;

namespace {

owned_fd open_directory(int parent, const char* name) {
  return owned_fd{openat(parent, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC)};
}

/// Calls `visit(name, info)` for what the directory holds, until one is false. False with errno.
template <class Visit>
bool each_entry(int dir, Visit visit) {
  auto close_stream = [](DIR* d) { closedir(d); };
  auto again = open_directory(dir, ".");
  std::unique_ptr<DIR, decltype(close_stream)> stream{fdopendir(again.get()), close_stream};
  if (!stream)
    return false;
  (void)again.release();
  for (;;) {
    errno = 0;
    const auto* entry = readdir(stream.get());
    if (!entry)
      return errno == 0;
    std::string name = entry->d_name;
    if (name == "." || name == "..")
      continue;
    struct stat info {};
    if (fstatat(dir, name.c_str(), &info, AT_SYMLINK_NOFOLLOW) || !visit(name, info))
      return false;
  }
}

/// Whether a file is one that the kernel executes itself, and that others than its owner may too.
bool is_program_for_all(int dir, const std::string& name, const struct stat& info) {
  std::array<char, 4> head{};
  constexpr mode_t for_all = S_IXUSR | S_IROTH | S_IXOTH;
  if ((info.st_mode & for_all) != for_all)
    return false;
  owned_fd file{openat(dir, name.c_str(), O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC)};
  return file && pread(file.get(), head.data(), head.size(), 0) == ssize_t{head.size()}
         && std::memcmp(head.data(), "\x7f\x45LF", head.size()) == 0;
}

bool changed_meanwhile() {
  errno = ESTALE;
  return false;
}

/// Everything of a file that its copy has too, but its user.
bool copy_times(int to, const struct stat& info) {
  std::array<timespec, 2> times{timespec{0, UTIME_OMIT}, info.st_mtim};
  return futimens(to, times.data()) == 0;
}

} // namespace

// -- what is there --------------------------------------------------------------------------------

result<std::unique_ptr<unpacked_tree>> unpacked_tree::of(std::string path, bool is_root) {
  std::unique_ptr<unpacked_tree> out{new unpacked_tree{std::move(path), is_root}};
  auto top = open_directory(AT_FDCWD, out->path_.c_str());
  if (!top || !out->note(top.get()))
    return file_failure("look through", out->path_);
  return out;
}

bool unpacked_tree::note(int dir) {
  struct stat self {};
  if (fstat(dir, &self))
    return false;
  known_[self.st_ino] = {fingerprint_of(self), false};
  return each_entry(dir, [&](const std::string& name, const struct stat& info) {
    if (!S_ISDIR(info.st_mode))
      return note_file(dir, name, info);
    auto child = open_directory(dir, name.c_str());
    return child && note(child.get());
  });
}

bool unpacked_tree::note_file(int dir, const std::string& name, const struct stat& info) {
  auto& known = known_[info.st_ino];
  known.is_shared
    = known.is_shared || (is_root_ && S_ISREG(info.st_mode) && is_program_for_all(dir, name, info));
  auto now = info;
  if (known.is_shared && info.st_uid != 0
      && (fchownat(dir, name.c_str(), 0, 0, AT_SYMLINK_NOFOLLOW)
          || fstatat(dir, name.c_str(), &now, AT_SYMLINK_NOFOLLOW)))
    return false;
  known.print = fingerprint_of(now);
  return true;
}

// -- copies ---------------------------------------------------------------------------------------

/// One copy on its way.
class unpacked_tree::copier {
public:
  copier(unpacked_tree& tree, int top, std::int64_t uid, const std::atomic<bool>& cancelled)
    : tree_(tree), top_(top),
      uid_(tree.is_root_ ? static_cast<uid_t>(uid) : static_cast<uid_t>(-1)),
      cancelled_(cancelled) {}

  /// The directory is given away last: until then nobody gets in and puts a link in the way.
  bool directory(int from, int to, const std::string& path) {
    struct stat info {};
    if (fstat(from, &info) || !is_as_known(info))
      return errno ? false : changed_meanwhile();
    auto done = each_entry(from, [&](const std::string& name, const struct stat& entry) {
      return copy(from, to, name, path.empty() ? name : path + "/" + name, entry);
    });
    return done && fchmod(to, info.st_mode & 0777) == 0 && fchown(to, uid_, uid_) == 0
           && copy_times(to, info);
  }

private:
  bool copy(int from, int to, const std::string& name, const std::string& path,
            const struct stat& info) {
    if (cancelled_) {
      errno = ECANCELED;
      return false;
    }
    if (S_ISDIR(info.st_mode))
      return sub_directory(from, to, name, path);
    if (S_ISLNK(info.st_mode))
      return symbolic_link(from, to, name, info);
    auto known = tree_.known_.find(info.st_ino);
    if (known == tree_.known_.end())
      return changed_meanwhile();
    if (known->second.is_shared)
      return shared_file(from, to, name, known->second);
    // One that the archive has under several names.
    if (info.st_nlink > 1)
      if (auto [first, is_new] = linked_.try_emplace(info.st_ino, path); !is_new)
        return linkat(top_, first->second.c_str(), to, name.c_str(), 0) == 0;
    return file(from, to, name, uid_);
  }

  bool sub_directory(int from, int to, const std::string& name, const std::string& path) {
    auto source = open_directory(from, name.c_str());
    if (!source || mkdirat(to, name.c_str(), 0700))
      return false;
    auto copied = open_directory(to, name.c_str());
    return copied && directory(source.get(), copied.get(), path);
  }

  bool symbolic_link(int from, int to, const std::string& name, const struct stat& info) {
    std::array<char, PATH_MAX> target{};
    auto size = readlinkat(from, name.c_str(), target.data(), target.size() - 1);
    if (size < 0 || !is_as_known(info))
      return size < 0 ? false : changed_meanwhile();
    std::array<timespec, 2> times{timespec{0, UTIME_OMIT}, info.st_mtim};
    return symlinkat(target.data(), to, name.c_str()) == 0
           && fchownat(to, name.c_str(), uid_, uid_, AT_SYMLINK_NOFOLLOW) == 0
           && utimensat(to, name.c_str(), times.data(), AT_SYMLINK_NOFOLLOW) == 0;
  }

  bool shared_file(int from, int to, const std::string& name, known_file& known) {
    std::lock_guard lock{tree_.linking_};
    struct stat info {};
    if (fstatat(from, name.c_str(), &info, AT_SYMLINK_NOFOLLOW))
      return false;
    if (known.print != fingerprint_of(info))
      return changed_meanwhile();
    // Where it has all the links that a file can have, a copy does.
    if (linkat(from, name.c_str(), to, name.c_str(), 0))
      return file(from, to, name, 0);
    if (fstatat(from, name.c_str(), &info, AT_SYMLINK_NOFOLLOW))
      return false;
    known.print = fingerprint_of(info);
    return true;
  }

  bool file(int from, int to, const std::string& name, uid_t owner) {
    owned_fd source{openat(from, name.c_str(), O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC)};
    struct stat info {};
    if (!source || fstat(source.get(), &info))
      return false;
    owned_fd copied{
      openat(to, name.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600)};
    if (!copied || !copy_bytes(source.get(), copied.get()))
      return false;
    // Also what became of it while it was copied.
    if (fstat(source.get(), &info) || !is_as_known(info))
      return changed_meanwhile();
    return fchown(copied.get(), owner, owner) == 0 && fchmod(copied.get(), info.st_mode & 0777) == 0
           && copy_times(copied.get(), info);
  }

  bool copy_bytes(int from, int to) {
    constexpr std::size_t piece = 64 * 1024 * 1024;
    if (ioctl(to, FICLONE, from) == 0)
      return true;
    for (;;) {
      auto size = copy_file_range(from, nullptr, to, nullptr, piece, 0);
      if (size <= 0)
        return size == 0;
      if (cancelled_) {
        errno = ECANCELED;
        return false;
      }
    }
  }

  bool is_as_known(const struct stat& info) const {
    auto found = tree_.known_.find(info.st_ino);
    errno = 0;
    return found != tree_.known_.end() && found->second.print == fingerprint_of(info);
  }

  unpacked_tree& tree_;
  int top_;
  /// -1: as they are.
  uid_t uid_;
  const std::atomic<bool>& cancelled_;
  /// By inode: where the first name of a file lies in the copy.
  std::unordered_map<std::uint64_t, std::string> linked_;
};

result<void> unpacked_tree::copy_to(const std::string& target, std::int64_t uid,
                                    const std::atomic<bool>& cancelled) {
  auto from = open_directory(AT_FDCWD, path_.c_str());
  if (!from)
    errno = ESTALE;
  auto to = from ? open_directory(AT_FDCWD, target.c_str()) : owned_fd{};
  if (to && copier{*this, to.get(), uid, cancelled}.directory(from.get(), to.get(), {}))
    return {};
  bool is_changed = errno == ESTALE;
  auto why = file_failure("lay out", target);
  if (is_changed)
    why.code = failure_code::mismatch;
  return why;
}

// -- the tree itself ------------------------------------------------------------------------------

bool unpacked_tree::give(int dir, std::uint32_t uid) {
  return each_entry(dir,
                    [&](const std::string& name, const struct stat& info) {
                      if (S_ISDIR(info.st_mode)) {
                        auto child = open_directory(dir, name.c_str());
                        return child && give(child.get(), uid);
                      }
                      auto known = known_.find(info.st_ino);
                      bool is_shared = known != known_.end() && known->second.is_shared;
                      return is_shared
                             || fchownat(dir, name.c_str(), uid, uid, AT_SYMLINK_NOFOLLOW) == 0;
                    })
         && fchown(dir, uid, uid) == 0;
}

result<void> unpacked_tree::move_to(const std::string& target, std::int64_t uid) {
  auto top = open_directory(AT_FDCWD, path_.c_str());
  if (!top || (is_root_ && !give(top.get(), static_cast<std::uint32_t>(uid))))
    return file_failure("give away", path_);
  if (rename(path_.c_str(), target.c_str()))
    return file_failure("put in place", target);
  return {};
}

} // namespace deployminator::agent
