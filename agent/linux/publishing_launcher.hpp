#pragma once

#include "agent/linux/publications.hpp"
#include "agent/linux/watch_loop.hpp"
#include "agent/outside.hpp"

#include <cstdint>
#include <mutex>
#include <set>
#include <string>
#include <vector>

namespace deployminator::agent {

/// A launcher that publishes the files of instances without a process, and leaves all else to the
/// launcher of programs.
class publishing_launcher : public launcher {
public:
  /// `programs` must outlive this. `root`: below which paths may be; empty: nowhere. `events` is
  /// called on a thread of this.
  publishing_launcher(launcher& programs, const directories& where, std::string root,
                      on_event events);

  messages::result<std::vector<found_instance>> recover() override;
  messages::result<grant> reserve(const std::string& id, std::uint32_t ports,
                                  bool own_user) override;
  void unpack(const unpack_order& order, on_unpacked done) override;
  void launch(const launch_order& order) override;
  void stop(const std::string& id, const messages::stop_rules& rules) override;
  void kill_all(const std::string& id) override;
  void remove(const messages::kept_log& last, on_removed done) override;

private:
  void note(const std::string& id);
  [[nodiscard]] bool is_published(const std::string& id);
  void publish_now(const launch_order& order);

  launcher& programs_;
  on_event events_;
  publications published_;
  /// The instances that this agent lays out, publishes or has published.
  std::set<std::string> ids_;
  std::mutex mutex_;
  /// All that touches `published_`. Declared last: it ends first.
  watch_loop loop_;
};

} // namespace deployminator::agent
