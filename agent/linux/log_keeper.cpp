#include "agent/linux/log_keeper.hpp"

#include "agent/linux/files.hpp"
#include "agent/linux/log_files.hpp"

#include <algorithm>
#include <filesystem>
#include <set>
#include <unistd.h>
#include <utility>

#include <sys/stat.h>
#include <sys/timerfd.h>

namespace deployminator::agent {

using messages::timestamp;

namespace {

namespace fs = std::filesystem;

owned_fd every_quarter_minute() {
  owned_fd fd{timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK)};
  itimerspec every{{15, 0}, {15, 0}};
  timerfd_settime(fd.get(), 0, &every, nullptr);
  return fd;
}

timestamp written_at(const std::string& path) {
  struct stat info {};
  if (stat(path.c_str(), &info))
    return {};
  return {std::int64_t{info.st_mtim.tv_sec} * 1'000'000 + info.st_mtim.tv_nsec / 1'000};
}

/// The ids of all instances that have a log, or of which an end was noted.
std::set<std::string> ids_in(const std::string& directory) {
  std::set<std::string> out;
  std::error_code error;
  for (fs::directory_iterator it{directory, error}, end; !error && it != end; it.increment(error)) {
    auto ending = it->path().extension();
    auto id = it->path().stem().string();
    if ((ending == ".log" || ending == ".end") && is_instance_id(id))
      out.insert(std::move(id));
  }
  return out;
}

stored_log look_at(const directories& where, const std::string& id) {
  stored_log out;
  out.id = id;
  out.is_gone = access(where.instance(id).c_str(), F_OK) != 0;
  auto files = files_of_log(where.log, id);
  for (const auto& file : files ? *files : std::vector<log_file>{}) {
    out.files.push_back({file.path, file.size, written_at(file.path)});
    out.last = std::max(out.last, out.files.back().written);
  }
  out.last = std::max(out.last, written_at(where.log + "/" + id + ".end"));
  return out;
}

} // namespace

log_keeper::log_keeper(directories where, log_limits limits)
  : where_(std::move(where)), limits_(limits), timer_(every_quarter_minute()) {
  loop_.call([this] {
    loop_.watch(timer_.get(), [this] {
      std::uint64_t expirations = 0;
      if (read(timer_.get(), &expirations, sizeof expirations) > 0)
        tidy();
    });
  });
}

void log_keeper::tidy() const {
  std::vector<stored_log> all;
  for (const auto& id : ids_in(where_.log))
    all.push_back(look_at(where_, id));
  auto surplus = logs_to_remove(std::move(all), limits_, messages::system_utc_now());
  for (const auto& id : surplus.logs) {
    // What cannot be removed is tried again.
    (void)remove_tree(where_.log_of(id));
    forget_end(where_.log, id);
  }
  for (const auto& path : surplus.files)
    unlink(path.c_str());
  bound_plain_files();
}

/// Those that programs write themselves, under starters of an earlier release.
void log_keeper::bound_plain_files() const {
  std::error_code error;
  for (fs::directory_iterator it{where_.log, error}, end; !error && it != end;
       it.increment(error)) {
    std::error_code gone;
    if (it->path().extension() == ".log" && it->is_regular_file(gone))
      bound_log(it->path().string(), limits_.of_one);
  }
}

} // namespace deployminator::agent
