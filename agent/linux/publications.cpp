#include "agent/linux/publications.hpp"

#include "agent/linux/files.hpp"
#include "agent/linux/served_tree.hpp"

#include <fmt/format.h>

#include <array>
#include <cerrno>
#include <charconv>
#include <chrono>
#include <climits>
#include <cstdio>
#include <fcntl.h>
#include <filesystem>
#include <sstream>
#include <string_view>
#include <unistd.h>
#include <utility>

#include <sys/stat.h>

namespace deployminator::agent {

using messages::failure;
using messages::failure_code;
using messages::result;

namespace {

namespace fs = std::filesystem;

std::string published(const directories& where) {
  return where.lib + "/published";
}

} // namespace

publications::publications(directories where, std::string root)
  : where_(std::move(where)), root_(std::move(root)), boot_(boot_id()),
    discarded_(published(where_)) {}

// -- notes ----------------------------------------------------------------------------------------

std::string publications::note_path(const std::string& id) const {
  return where_.instance(id) + "/published";
}

std::optional<publications::note> publications::note_of(const std::string& id) const {
  auto text = read_file(note_path(id));
  if (!text)
    return std::nullopt;
  std::istringstream lines{*text};
  note out;
  std::string since;
  bool is_whole = std::getline(lines, out.application) && std::getline(lines, out.path)
                  && std::getline(lines, out.sha256) && std::getline(lines, since);
  const auto* end = since.data() + since.size();
  auto read = std::from_chars(since.data(), end, out.since.microseconds);
  return is_whole && read.ec == std::errc{} && read.ptr == end ? std::optional{out} : std::nullopt;
}

result<void> publications::write(const std::string& id, const note& what) const {
  return replace_file(note_path(id),
                      fmt::format("{}\n{}\n{}\n{}\n", what.application, what.path, what.sha256,
                                  what.since.microseconds),
                      false);
}

bool publications::has(const std::string& id) const {
  return access(note_path(id).c_str(), F_OK) == 0;
}

bool publications::is_whole(const std::string& id) const {
  auto boot = read_file(where_.instance(id) + "/unpacked");
  return boot && *boot == boot_ && access(where_.home(id).c_str(), F_OK) == 0;
}

// -- paths ----------------------------------------------------------------------------------------

result<std::string> publications::allowed_path(const publication& what) const {
  if (root_.empty())
    return failure{failure_code::refused, "this machine's agent publishes no files",
                   "give it a directory for them, such as `static-root: /srv/www`"};
  if (what.path.empty())
    return root_ + "/" + what.application;
  fs::path path{what.path};
  if (!what.path.starts_with(root_ + "/") || path.lexically_normal() != path
      || !path.has_filename())
    return failure{failure_code::refused,
                   fmt::format("`statictargetdir` {} is not below {}, where this machine's agent "
                               "publishes files",
                               what.path, root_),
                   "choose one there, or change the agent's `static-root`"};
  return what.path;
}

/// Follows no link below the root: whoever may write there leads nothing elsewhere.
result<publications::place> publications::find(const std::string& path, bool make) const {
  constexpr int flags = O_RDONLY | O_DIRECTORY | O_CLOEXEC;
  place out{owned_fd{open(root_.c_str(), flags)}, {}};
  if (!out.parent)
    return file_failure("open the agent's `static-root`", root_);
  fs::path below{path.substr(root_.size() + 1)};
  for (const auto& part : below.parent_path()) {
    int parent = out.parent.get();
    bool is_new = make && mkdirat(parent, part.c_str(), 0755) == 0;
    owned_fd next{openat(parent, part.c_str(), flags | O_NOFOLLOW)};
    if (!next || (is_new && fchmod(next.get(), 0755)))
      return file_failure("open the directory above", path);
    out.parent = std::move(next);
  }
  out.name = below.filename();
  return out;
}

/// Whose directory a link leads to, by its text; nothing where it is none of this agent's.
std::optional<std::string> publications::instance_at(const place& where) const {
  std::array<char, PATH_MAX> text{};
  auto size = readlinkat(where.parent.get(), where.name.c_str(), text.data(), text.size() - 1);
  if (size < 0)
    return std::nullopt;
  fs::path target{std::string{text.data(), static_cast<std::size_t>(size)}};
  auto id = target.parent_path().filename().string();
  return is_instance_id(id) && target == where_.home(id) ? std::optional{id} : std::nullopt;
}

result<void> publications::check_free(const place& where, const note& mine) const {
  struct stat info {};
  if (fstatat(where.parent.get(), where.name.c_str(), &info, AT_SYMLINK_NOFOLLOW))
    return errno == ENOENT ? result<void>{} : file_failure("look at", mine.path);
  auto holder = instance_at(where);
  if (!holder)
    return failure{failure_code::refused,
                   fmt::format("{} is there already and no link of this agent's, so it stays as it "
                               "is",
                               mine.path),
                   "move it away, or publish the files elsewhere"};
  auto theirs = note_of(*holder);
  if (!theirs || theirs->application == mine.application)
    return {};
  return failure{failure_code::refused,
                 fmt::format("{} leads to the files of {} already", mine.path, theirs->application),
                 "publish these elsewhere"};
}

result<void> publications::lead(const place& where, const std::string& path,
                                const std::string& id) const {
  int parent = where.parent.get();
  auto unfinished = fmt::format(".{}.{}.tmp", where.name.substr(0, 100), id);
  unlinkat(parent, unfinished.c_str(), 0);
  if (symlinkat(where_.home(id).c_str(), parent, unfinished.c_str()))
    return file_failure("make a link beside", path);
  if (renameat(parent, unfinished.c_str(), parent, where.name.c_str())) {
    auto why = file_failure("switch the link", path);
    unlinkat(parent, unfinished.c_str(), 0);
    return why;
  }
  return {};
}

// -- publishing -----------------------------------------------------------------------------------

result<messages::timestamp> publications::publish(const std::string& id, const publication& what) {
  auto path = allowed_path(what);
  if (!path)
    return path.error();
  auto where = find(*path, true);
  if (!where)
    return where.error();
  note mine{what.application, *path, what.sha256, {}};
  if (auto is_free = check_free(*where, mine); !is_free)
    return is_free.error();
  if (auto served = make_served(where_.home(id)); !served)
    return served.error();
  // An agent that is killed now knows what it has to withdraw.
  if (auto before = note_of(id); !before || before->path != mine.path || !before->since)
    if (auto noted = write(id, mine); !noted)
      return noted.error();
  if (auto led = lead(*where, *path, id); !led)
    return led.error();
  mine.since = messages::system_utc_now();
  if (auto noted = write(id, mine); !noted)
    return noted.error();
  return mine.since;
}

void publications::withdraw(const std::string& id) {
  auto mine = note_of(id);
  if (!mine)
    return;
  auto where = root_.empty() || !mine->path.starts_with(root_ + "/")
                 ? result<place>{failure{failure_code::refused, {}, {}}}
                 : find(mine->path, false);
  auto holder = where ? instance_at(*where) : std::nullopt;
  if (holder == id) {
    if (auto other = newest_other(id, *mine)) {
      (void)lead(*where, mine->path, *other);
    } else {
      unlinkat(where->parent.get(), where->name.c_str(), 0);
      discard_kept(mine->application);
    }
  } else if (holder) {
    keep(id, *mine);
  }
  unlink(note_path(id).c_str());
}

std::optional<std::string> publications::newest_other(const std::string& id,
                                                      const note& mine) const {
  std::optional<std::pair<messages::timestamp, std::string>> newest;
  std::error_code error;
  for (fs::directory_iterator it{where_.instances(), error}, end; !error && it != end;
       it.increment(error)) {
    auto name = it->path().filename().string();
    auto theirs = is_instance_id(name) && name != id ? note_of(name) : std::nullopt;
    bool counts = theirs && theirs->application == mine.application && theirs->path == mine.path
                  && theirs->since && is_whole(name);
    if (counts && (!newest || newest->first < theirs->since))
      newest = {theirs->since, name};
  }
  return newest ? std::optional{newest->second} : std::nullopt;
}

void publications::complete(found_instance& found) const {
  auto mine = note_of(found.id);
  if (!mine || !mine->since)
    return;
  found.granted.uid = static_cast<std::int64_t>(geteuid());
  found.started_at = mine->since;
  auto allowed = allowed_path({mine->application, mine->path, {}});
  auto where = allowed ? find(mine->path, false) : result<place>{allowed.error()};
  auto holder = where ? instance_at(*where) : std::nullopt;
  // While a rollout is under way the path leads to the new one, and the old one may have it back.
  auto theirs = holder ? note_of(*holder) : std::nullopt;
  bool is_newer = theirs && theirs->application == mine->application
                  && (!theirs->since || mine->since < theirs->since);
  bool is_published = holder == found.id || is_newer;
  found.running = is_published && is_whole(found.id);
  auto boot = read_file(where_.instance(found.id) + "/unpacked");
  found.earlier_boot = boot && *boot != boot_;
  if (found.earlier_boot)
    found.interruption = "its machine went down";
  else if (!found.running)
    found.interruption = fmt::format("{} did not lead to its files any more", mine->path);
}

// -- what was published before --------------------------------------------------------------------

std::string publications::kept_below(const std::string& application) const {
  return published(where_) + "/" + application;
}

/// What a crash of the machine may have torn has another name.
std::string publications::kept_name(const std::string& sha256) const {
  return fmt::format("{}.{}", sha256, boot_.substr(0, boot_.find('\n')));
}

void publications::reuse(const std::string& id, const publication& what) {
  auto kept = fmt::format("{}/{}", kept_below(what.application), kept_name(what.sha256));
  if (access(where_.home(id).c_str(), F_OK) == 0 || rename(kept.c_str(), where_.home(id).c_str()))
    return;
  (void)replace_file(where_.instance(id) + "/unpacked", boot_, false);
}

void publications::keep(const std::string& id, const note& mine) {
  auto directory = kept_below(mine.application);
  discard_kept(mine.application);
  std::error_code error;
  fs::create_directories(directory, error);
  fs::permissions(published(where_), fs::perms::owner_all, error);
  if (is_whole(id) && !mine.sha256.empty())
    (void)rename(where_.home(id).c_str(),
                 fmt::format("{}/{}", directory, kept_name(mine.sha256)).c_str());
}

void publications::discard_kept(const std::string& application) {
  discarded_.discard(kept_below(application));
}

void publications::clean_up() {
  discarded_.clean_up();
}

} // namespace deployminator::agent
