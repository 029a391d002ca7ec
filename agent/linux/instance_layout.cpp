#include "agent/linux/instance_layout.hpp"

#include "agent/decisions/content_kind.hpp"
#include "agent/linux/files.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <fcntl.h>
#include <filesystem>
#include <unistd.h>
#include <utility>

#include <sys/stat.h>

namespace deployminator::agent {

using messages::result;

namespace {

namespace fs = std::filesystem;

content_kind kind_of_file(int fd) {
  std::string head(content_head, 0);
  auto size = pread(fd, head.data(), head.size(), 0);
  head.resize(size > 0 ? static_cast<std::size_t>(size) : 0);
  return kind_of_content(head);
}

std::int64_t owner_of(const std::string& path) {
  struct stat info {};
  return lstat(path.c_str(), &info) ? -1 : static_cast<std::int64_t>(info.st_uid);
}

} // namespace

instance_layout::instance_layout(watch_loop& loop, reservations& reserved, directories where,
                                 const std::string& unpack_program, unpack_limits limits)
  : where_(std::move(where)), limits_(limits), boot_(boot_id()), is_root_(geteuid() == 0),
    discarded_(where_.instances()),
    trees_(loop, reserved, where_, unpack_program, limits,
           [this](const std::string& path) { discarded_.discard(path); }) {}

// -- what is there --------------------------------------------------------------------------------

result<std::vector<std::string>> instance_layout::list() {
  trees_.discard_earlier();
  discarded_.clean_up();
  std::vector<std::string> names;
  std::error_code error;
  for (fs::directory_iterator it{where_.instances(), error}, end; !error && it != end;
       it.increment(error))
    names.push_back(it->path().filename().string());
  if (error) {
    errno = error.value();
    return file_failure("list", where_.instances());
  }
  std::erase_if(names, discarded_trees::is_one);
  std::sort(names.begin(), names.end());
  return names;
}

result<void> instance_layout::make(const std::string& id) const {
  // Somebody may have removed all of them.
  for (const auto& directory : {where_.instances(), where_.instance(id)})
    if (mkdir(directory.c_str(), 0711) && errno != EEXIST)
      return file_failure("create the directory", directory);
  return {};
}

std::int64_t instance_layout::owner(const std::string& id) const {
  return owner_of(where_.home(id));
}

bool instance_layout::is_laid_out(const std::string& id, std::int64_t uid,
                                  const std::string& binary) const {
  auto boot = read_file(where_.instance(id) + "/unpacked");
  return boot && *boot == boot_ && owner(id) == uid
         && owner_of(where_.home(id) + "/" + binary) >= 0;
}

bool instance_layout::is_of_earlier_boot(const std::string& id) const {
  auto boot = read_file(where_.instance(id) + "/unpacked");
  return boot && *boot != boot_;
}

// -- laying out -----------------------------------------------------------------------------------

void instance_layout::lay_out(const unpack_order& order, std::shared_ptr<owned_fd> artifact,
                              std::int64_t uid, on_done done) {
  bool archive = messages::is_archive(order.download_url);
  auto kind = kind_of_file(artifact->get());
  bool is_program = kind == content_kind::program || (kind == content_kind::other && !archive);
  if (is_program && link_program(order, artifact->get(), uid))
    return done(finish(order.id, {}));
  unpacked_trees::job job;
  job.id = order.id;
  job.artifact = std::move(artifact);
  job.archive = archive;
  job.binary = order.binary;
  job.runs_binary = order.runs_binary;
  job.target = target(order.id);
  job.uid = uid;
  job.prepare = [this, id = order.id] { return make_target(id); };
  job.done = [this, id = order.id, done = std::move(done)](result<void> outcome) {
    done(finish(id, outcome));
  };
  trees_.lay_out(std::move(job));
}

result<void> instance_layout::make_target(const std::string& id) {
  discarded_.discard(target(id));
  if (mkdir(target(id).c_str(), 0700))
    return file_failure("create the directory", target(id));
  return {};
}

result<void> instance_layout::give_away(const std::string& path, std::int64_t uid) const {
  auto who = static_cast<uid_t>(uid);
  if (is_root_ && lchown(path.c_str(), who, who))
    return file_failure("give away the directory", path);
  return {};
}

/// Instead of a copy of its own, a plain program can have the cache's file itself where it runs as
/// a user who may not write to that. False where it cannot (another file system, too many links).
bool instance_layout::link_program(const unpack_order& order, int artifact, std::int64_t uid) {
  struct stat info {};
  bool own_user = is_root_ && uid != 0;
  if (!own_user || fstat(artifact, &info)
      || static_cast<std::uint64_t>(info.st_size) > limits_.bytes || !make_target(order.id))
    return false;
  auto path = fs::path{target(order.id)};
  auto binary = fs::path{order.binary}.lexically_normal();
  std::vector<fs::path> made{path};
  for (const auto& part : binary.parent_path()) {
    made.push_back(path /= part);
    if (mkdir(path.c_str(), 0755))
      return false;
  }
  path /= binary.filename();
  if (fchmod(artifact, 0755)
      || linkat(AT_FDCWD, fmt::format("/proc/self/fd/{}", artifact).c_str(), AT_FDCWD, path.c_str(),
                AT_SYMLINK_FOLLOW))
    return false;
  // From within: as long as the outermost is root's, nobody gets in and puts a link in the way.
  return std::all_of(made.rbegin(), made.rend(),
                     [&](const fs::path& each) { return static_cast<bool>(give_away(each, uid)); });
}

result<void> instance_layout::finish(const std::string& id, const result<void>& outcome) {
  auto home = where_.home(id);
  if (!outcome) {
    discarded_.discard(target(id));
    return outcome;
  }
  // Something may lead to it that must never lead nowhere.
  if (renameat2(AT_FDCWD, target(id).c_str(), AT_FDCWD, home.c_str(), RENAME_EXCHANGE) == 0) {
    discarded_.discard(target(id));
  } else {
    discarded_.discard(home);
    if (rename(target(id).c_str(), home.c_str()))
      return file_failure("put in place", home);
  }
  return replace_file(where_.instance(id) + "/unpacked", boot_, false);
}

std::string instance_layout::target(const std::string& id) const {
  return where_.home(id) + ".tmp";
}

// -- removing -------------------------------------------------------------------------------------

void instance_layout::discard_half(const std::string& id) {
  discarded_.discard(target(id));
}

void instance_layout::remove(const std::string& id, on_done done) {
  discarded_.discard(where_.instance(id), std::move(done));
}

} // namespace deployminator::agent
