#pragma once

#include "agent/linux/directories.hpp"
#include "agent/linux/reservations.hpp"
#include "agent/linux/starter_link.hpp"
#include "agent/linux/unpacker.hpp"
#include "agent/linux/watch_loop.hpp"
#include "agent/outside.hpp"

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

namespace deployminator::agent {

struct launcher_config {
  directories where;
  helper_programs programs;
  unpack_limits unpacking;
  /// What the output of one instance may take of the disk, looked at every few seconds.
  std::uint64_t most_output = 64 * 1024 * 1024;
};

/// The launcher of Linux: each instance has a starter (agent/starter), which outlives the agent.
///
/// Below instances/ID/: `lock` and `state` (agent/starter/protocol.hpp), `home/` (the artifact,
/// laid out; `home.tmp/` before it is whole) and `unpacked` (the boot during which that was done: a
/// crash of the machine may have torn what was written before it).
///
/// As root each instance runs as a user of its own, else all run as the agent's user.
class process_launcher : public launcher {
public:
  /// `events` is called on a thread of the launcher; so are the other callbacks.
  process_launcher(launcher_config config, on_event events);
  /// Leaves the instances running.
  ~process_launcher() override;

  messages::result<std::vector<found_instance>> recover() override;
  messages::result<grant> reserve(const std::string& id, std::uint32_t ports) override;
  void unpack(const unpack_order& order, on_unpacked done) override;
  void launch(const launch_order& order) override;
  void signal(const std::string& id, int signal) override;
  void kill_all(const std::string& id) override;
  void remove(const std::string& id, on_removed done) override;

private:
  struct instance {
    grant granted;
    bool has_grant = false;
    /// The reservations, while there is no starter that is known to hold them.
    std::vector<owned_fd> held;
    /// The starter, where one lives.
    child_process starter;
    /// Of inotify, for the starter's state.
    int watch = -1;
    /// The starter has shown a state.
    bool shown = false;
    /// The runs whose start and end were told.
    std::uint32_t told_start = 0;
    std::uint32_t told_end = 0;
    /// For the words about a program that was not started.
    std::string binary;
    /// `kill_all` was asked for.
    bool ending = false;
    /// What an earlier starter left is being killed.
    bool sweeping = false;
    /// Why that cannot be done; told with `gone`.
    std::string problem;

    bool lives() const {
      return static_cast<bool>(starter.handle);
    }
  };

  messages::result<grant> reserve_now(const std::string& id, std::uint32_t ports);
  messages::result<void> reserve_parts(const std::string& id, std::uint32_t ports, instance& i);
  void free_grant(instance& i);

  /// `missing`: why there is no artifact.
  void unpack_now(const unpack_order& order, std::shared_ptr<owned_fd> artifact,
                  const std::optional<messages::failure>& missing, on_unpacked done);
  bool is_unpacked(const std::string& id, const instance& i) const;
  messages::result<void> make_target(const std::string& id);
  messages::result<void> give_away(const std::string& path, const instance& i) const;
  bool link_program(const unpack_order& order, const instance& i, int artifact);
  messages::result<void> finish_unpack(const std::string& id, const messages::result<void>& done);

  void launch_now(const launch_order& order);
  void relaunch(const std::string& id, instance& i);
  void signal_now(const std::string& id, int signal);
  void kill_all_now(const std::string& id);
  void remove_now(const std::string& id, on_removed done);

  /// A sweep at work, and what keeps its user from being given out meanwhile.
  struct sweep {
    child_process process;
    owned_fd user;
  };

  messages::result<found_instance> recover_one(const std::string& id);
  messages::result<found_instance> adopt(const std::string& id, child_process starter);
  messages::result<void> watch_state(const std::string& id, instance& i);
  void watch_starter(const std::string& id, instance& i);
  void look(const std::string& id, instance& i);
  void tell_end(const std::string& id, instance& i, const starter::state& state);
  void state_changed();
  void starter_ended(const std::string& id);
  messages::result<sweep> begin_sweep(const std::string& id, std::int64_t uid, bool user_held);
  void sweep_after(const std::string& id, instance& i);
  void end_if_over(const std::string& id);
  void not_started(const std::string& id, std::string problem);
  starter_setup setup_of(const std::string& id, const instance& i) const;
  std::string discarded_name();
  void discard(const std::string& path);
  void bound_logs();

  launcher_config config_;
  on_event events_;
  std::string boot_;
  std::int64_t uid_;
  reservations reserved_;
  std::map<std::string, instance> instances_;
  std::map<int, std::string> watches_;
  std::int64_t discarded_;
  owned_fd inotify_;
  owned_fd timer_;
  /// Removes what may be large.
  watch_loop janitor_;
  unpacker unpacker_;
  /// Declared last: it ends first, and with it all that touches the above.
  watch_loop loop_;
};

} // namespace deployminator::agent
