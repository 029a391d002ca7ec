#pragma once

#include "agent/linux/check_runner.hpp"
#include "agent/linux/control_groups.hpp"
#include "agent/linux/directories.hpp"
#include "agent/linux/instance_layout.hpp"
#include "agent/linux/reservations.hpp"
#include "agent/linux/starter_link.hpp"
#include "agent/linux/starter_news.hpp"
#include "agent/linux/starter_search.hpp"
#include "agent/linux/starter_watch.hpp"
#include "agent/linux/sweeper.hpp"
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
  /// What the log of one instance may take of the disk, in bytes.
  std::uint64_t most_output = 64 * 1024 * 1024;
};

/// The launcher of Linux: each instance has a starter (agent/starter), which outlives the agent.
///
/// Below instances/ID/ are `lock` and `state` (agent/starter/protocol.hpp) and what the layout
/// keeps there (instance_layout.hpp).
///
/// As root each instance runs as a user of its own, else all run as the agent's user.
class process_launcher : public launcher {
public:
  /// `events` is called on a thread of the launcher; so are the other callbacks.
  process_launcher(launcher_config config, on_event events);
  /// Leaves the instances running.
  ~process_launcher() override;

  messages::result<std::vector<found_instance>> recover() override;
  messages::result<grant> reserve(const std::string& id, std::uint32_t ports,
                                  bool own_user) override;
  void unpack(const unpack_order& order, on_unpacked done) override;
  void launch(const launch_order& order) override;
  void stop(const std::string& id, const messages::stop_rules& rules) override;
  void kill_all(const std::string& id) override;
  void remove(const messages::kept_log& last, on_removed done) override;

  /// Runs the program of a check of health (`health_kind::exec`).
  void check(const health_order& order, health_checker::on_checked done);

private:
  struct instance {
    grant granted;
    bool has_grant = false;
    /// The reservations, while there is no starter that is known to hold them.
    std::vector<owned_fd> held;
    /// The starter, where one lives.
    child_process starter;
    /// The starter has shown a state.
    bool shown = false;
    told_runs told;
    /// Its path, for the words about a program that was not started.
    std::string program;
    /// The directory of its data; empty: it has none, or was started by an earlier agent.
    std::string data;
    /// The directories of its control groups.
    std::vector<std::string> groups;
    /// Its number of processes is bounded, and by no group.
    bool bounds_processes = false;
    /// What its group had counted when somebody was told of it last.
    group_counts counted;
    /// What people should know of its next run.
    std::string remark;
    /// What was told last of what the program tells of itself.
    std::optional<notice> said;
    /// `kill_all` was asked for.
    bool ending = false;
    /// Why what an earlier starter left cannot be killed; told with `gone`.
    std::string problem;

    bool lives() const {
      return static_cast<bool>(starter.handle);
    }
  };

  messages::result<grant> reserve_now(const std::string& id, std::uint32_t ports, bool own_user);
  messages::result<void> reserve_parts(const std::string& id, std::uint32_t ports, bool own_user,
                                       instance& i);
  void free_grant(instance& i);

  /// `missing`: why there is no artifact.
  void unpack_now(const unpack_order& order, std::shared_ptr<owned_fd> artifact,
                  const std::optional<messages::failure>& missing, on_unpacked done);

  void launch_now(const launch_order& wanted);
  /// The order with what stands before the arguments of a main class.
  messages::result<launch_order> complete(launch_order order) const;
  /// The path of what the order starts.
  messages::result<std::string> program_of(const launch_order& order) const;
  /// Makes the directory of its data where it is not there.
  messages::result<void> prepare_data(const launch_order& order, instance& i) const;
  /// Makes its control group; what cannot be bounded is a remark on its next run.
  void prepare_group(const launch_order& order, instance& i);
  /// The limits that it has hit since this was asked last.
  limit_hits new_hits(const std::string& id, instance& i) const;
  /// Tells which limits programs have hit that go on.
  void tell_hits(const std::string& id, instance& i);
  bool runs_now(const std::string& id, const instance& i) const;
  void relaunch(const std::string& id, instance& i);
  void stop_now(const std::string& id, const messages::stop_rules& rules);
  void kill_all_now(const std::string& id);
  void remove_now(messages::kept_log last, on_removed done);

  messages::result<std::vector<found_instance>> recover_now();
  messages::result<found_instance> recover_dead(const std::string& id);
  std::int64_t user_of_files(const std::string& id) const;
  messages::result<found_instance> adopt(const std::string& id, living_starter found);
  void take_grant(instance& i, grant granted, bool has_user);
  void look(const std::string& id);
  void tell_notice(const std::string& id, instance& i, notice said);
  void check_now(const health_order& order, const health_checker::on_checked& done);
  void restore_files(const std::string& id);
  void starter_ended(const std::string& id);
  void sweep_after(const std::string& id, instance& i);
  void note_lost_output(const std::string& id) const;
  void end_if_over(const std::string& id);
  void not_started(const std::string& id, std::string problem);
  /// Something is being laid out or swept up for the instance.
  bool is_busy(const std::string& id) const;
  starter_setup setup_of(const std::string& id, const instance& i) const;
  void keep_house();

  launcher_config config_;
  on_event events_;
  std::int64_t uid_;
  control_groups groups_;
  reservations reserved_;
  std::map<std::string, instance> instances_;
  owned_fd timer_;
  instance_layout layout_;
  sweeper sweeper_;
  check_runner checks_;
  starter_watch starters_;
  /// Declared last: it ends first, and with it all that touches the above.
  watch_loop loop_;
};

} // namespace deployminator::agent
