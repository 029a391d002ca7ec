#include "agent/linux/starter_watch.hpp"

#include "agent/linux/files.hpp"
#include "agent/starter/protocol.hpp"

#include <array>
#include <cstdint>
#include <string_view>
#include <unistd.h>
#include <utility>

#include <sys/inotify.h>

namespace deployminator::agent {

using messages::failure;
using messages::failure_code;
using messages::result;

namespace {

constexpr std::uint32_t moved_or_removed
  = IN_DELETE | IN_MOVED_FROM | IN_MOVED_TO | IN_DELETE_SELF | IN_MOVE_SELF;

/// Of a starter's files or their directory.
bool concerns_starter(const inotify_event& event) {
  std::string_view name = event.len ? event.name : "";
  return name.empty() || name == starter::state_name || name == starter::lock_name;
}

} // namespace

starter_watch::starter_watch(watch_loop& loop, on_instance written, on_instance lost,
                             on_instance ended)
  : loop_(loop), written_(std::move(written)), lost_(std::move(lost)), ended_(std::move(ended)),
    inotify_(inotify_init1(IN_CLOEXEC | IN_NONBLOCK)) {}

void starter_watch::begin() {
  if (inotify_)
    loop_.watch(inotify_.get(), [this] { read_events(); });
}

result<void> starter_watch::check() const {
  if (inotify_)
    return {};
  return failure{failure_code::internal, "this user has too many inotify handles open",
                 "raise the sysctl fs.inotify.max_user_instances"};
}

result<void> starter_watch::watch_state(const std::string& id, const std::string& directory) {
  int number = inotify_add_watch(inotify_.get(), directory.c_str(), IN_MODIFY | moved_or_removed);
  if (number < 0) {
    auto why = file_failure("watch", directory);
    why.hint = "raise the sysctl fs.inotify.max_user_watches";
    return why;
  }
  auto before = numbers_.find(id);
  if (before != numbers_.end() && before->second != number) {
    inotify_rm_watch(inotify_.get(), before->second);
    ids_.erase(before->second);
  }
  ids_[number] = id;
  numbers_[id] = number;
  return {};
}

void starter_watch::watch_end(const std::string& id, const owned_fd& starter) {
  loop_.watch(starter.get(), [this, id] { ended_(id); });
}

void starter_watch::forget(const std::string& id, const owned_fd& starter) {
  loop_.forget(starter.get());
  auto watched = numbers_.extract(id);
  if (!watched)
    return;
  inotify_rm_watch(inotify_.get(), watched.mapped());
  ids_.erase(watched.mapped());
}

void starter_watch::read_events() {
  alignas(inotify_event) std::array<char, 16 * 1024> buffer;
  for (;;) {
    auto size = read(inotify_.get(), buffer.data(), buffer.size());
    if (size <= 0)
      return;
    for (ssize_t at = 0; at < size;) {
      const auto* event = reinterpret_cast<const inotify_event*>(buffer.data() + at);
      at += static_cast<ssize_t>(sizeof *event + event->len);
      take_event(*event);
    }
  }
}

void starter_watch::take_event(const inotify_event& event) {
  if (event.mask & IN_Q_OVERFLOW) {
    for (const auto& [number, id] : ids_)
      written_(id);
    return;
  }
  auto found = ids_.find(event.wd);
  if (found == ids_.end() || !concerns_starter(event))
    return;
  // What is called may change the entry.
  auto id = found->second;
  if (event.mask & IN_MODIFY)
    written_(id);
  else if (event.mask & moved_or_removed)
    lost_(id);
}

} // namespace deployminator::agent
