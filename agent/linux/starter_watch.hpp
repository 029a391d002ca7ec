#pragma once

#include "agent/linux/owned_fd.hpp"
#include "agent/linux/watch_loop.hpp"
#include "messages/result.hpp"

#include <functional>
#include <map>
#include <string>

struct inotify_event;

namespace deployminator::agent {

/// Notices when starters write their state or lose their files, and when they end. Everything on
/// the thread of the loop.
class starter_watch {
public:
  using on_instance = std::function<void(const std::string& id)>;

  /// `written`: a starter may have written its state; `lost`: somebody removed or replaced its
  /// state, its lock or the directory of both; `ended`: a starter may have ended.
  starter_watch(watch_loop& loop, on_instance written, on_instance lost, on_instance ended);

  /// Called once, before anything else.
  void begin();

  /// Whether it can watch at all.
  [[nodiscard]] messages::result<void> check() const;

  /// From now on `written` and `lost` are called for the instance's directory, and for no other
  /// that was its directory before.
  messages::result<void> watch_state(const std::string& id, const std::string& directory);

  /// From now on `ended` is called for the starter with this handle.
  void watch_end(const std::string& id, const owned_fd& starter);

  /// Ends both, before the handle is closed.
  void forget(const std::string& id, const owned_fd& starter);

private:
  void read_events();
  void take_event(const inotify_event& event);

  watch_loop& loop_;
  on_instance written_;
  on_instance lost_;
  on_instance ended_;
  owned_fd inotify_;
  /// inotify's number for the instance's directory, both ways.
  std::map<int, std::string> ids_;
  std::map<std::string, int> numbers_;
};

} // namespace deployminator::agent
