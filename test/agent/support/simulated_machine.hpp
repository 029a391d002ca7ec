#pragma once

#include "agent/outside.hpp"

#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <string>
#include <vector>

namespace deployminator::agent {

/// A machine without a machine: all of an agent's outside, on plain values, in one thread. It
/// outlives agents. What takes time on a real machine is an answer in `pending`, which whoever
/// drives the simulation carries out, in order or not.
class simulated_machine : public downloader,
                          public launcher,
                          public log_reader,
                          public journal_files,
                          public storage_check,
                          public port_settings,
                          public packet_filter,
                          public usage_meter,
                          public health_checker {
public:
  /// `now`: UTC. Every machine has pids and ports of its own from `first_number` on.
  explicit simulated_machine(std::function<messages::timestamp()> now,
                             std::int64_t first_number = 1'000);

  /// What the actors are given.
  outside world();

  /// Who gets the launcher's events from now on.
  void attach(launcher::on_event events);

  /// The agent was killed: nobody waits for an answer any more; the instances go on.
  void forget_agent();

  /// Carries out the oldest answer that is due; false: there is none.
  bool answer_one();

  // -- what tests see and change -------------------------------------------------------------

  struct download {
    download_order order;
    on_progress progress;
    on_done done;
  };

  struct instance {
    bool laid_out = false;
    bool has_grant = false;
    grant granted;
    /// Its starter is about to start the program, with or without an agent.
    bool starting = false;
    bool running = false;
    std::int64_t pid = 0;
    messages::timestamp started_at;
    std::optional<int> exit;
    /// Programs started, ever.
    int launches = 0;
    launch_order last_launch;
    /// What its program told in this run.
    notice said;
  };

  /// The program of an instance ends.
  void end_program(const std::string& id, int exit);

  /// Transfers that were begun and wait for `finish`, by key; only where `hold_downloads`.
  std::map<std::string, download> transfers;
  bool hold_downloads = false;
  /// What there is to fetch, by URL; anything else is not found.
  std::map<std::string, artifact> web;
  std::vector<std::string> fetched_urls;
  /// The partial files to be kept.
  std::set<std::string> kept_partial;
  void finish(const std::string& key);

  std::map<std::string, instance> instances;
  /// Ports that foreign processes have.
  std::set<std::uint16_t> taken_ports;
  /// Programs with these ids do not end when they get a signal.
  std::vector<std::string> deaf;
  std::map<std::string, std::string> output;
  /// What checks of these instances see; all others are healthy.
  std::map<std::string, health_outcome> health;
  /// The checks of these never end.
  std::set<std::string> hanging_checks;
  /// All that were asked for.
  std::vector<health_order> checks;

  /// The program of an instance tells something of itself.
  void tell_notice(const std::string& id, notice said);
  /// What was told of those that were removed.
  std::map<std::string, messages::kept_log> removed;

  /// What instances use while they run.
  std::map<std::string, usage_sample> usage;

  agent_record saved;
  std::map<std::string, instance_record> records;
  bool disk_is_full = false;

  /// What the configuration says of public ports, or why it is wrong.
  messages::result<entries> applications = entries{};
  /// Where public ports lead; outlives agents, and anybody can change it.
  port_map rules;
  /// Why the packet filter cannot be used; empty: it can.
  std::string no_filter;
  /// What was done that has to come in the right order, such as `80 to 1000` and `a is signalled`.
  std::vector<std::string> deeds;

  /// Answers that are due.
  std::deque<std::function<void()>> pending;

  // -- the interfaces ------------------------------------------------------------------------

  void start(const download_order& order, on_progress progress, on_done done) override;
  void cancel(const std::string& key) override;
  void keep_partial(std::set<std::string> keys) override;

  messages::result<std::vector<found_instance>> recover() override;
  messages::result<grant> reserve(const std::string& id, std::uint32_t ports,
                                  bool own_user) override;
  void unpack(const unpack_order& order, on_unpacked done) override;
  void launch(const launch_order& order) override;
  void stop(const std::string& id, const messages::stop_rules& how) override;
  void kill_all(const std::string& id) override;
  void remove(const messages::kept_log& last, on_removed done) override;

  void check(const health_order& order, on_checked done) override;

  messages::result<log_piece> read(const std::string& id, std::uint64_t offset,
                                   std::size_t limit) override;
  messages::result<std::uint64_t> offset_of_last_lines(const std::string& id,
                                                       std::uint32_t lines) override;
  messages::result<std::uint64_t> offset_since(const std::string& id,
                                               messages::timestamp time) override;
  messages::result<kept_logs> find(const messages::find_logs& wanted) override;

  messages::result<agent_record> load_agent() override;
  messages::result<std::vector<instance_record>> load_instances() override;
  messages::result<void> save_agent(const agent_record& record) override;
  messages::result<void> save_instance(const instance_record& record) override;
  messages::result<void> remove_instance(const std::string& id) override;

  std::vector<messages::machine_trouble> look() override;

  std::vector<usage_sample> sample(const std::map<std::string, std::int64_t>& programs) override;

  std::optional<messages::result<entries>> news() override;
  messages::result<outcome> lead(const port_map& wanted) override;

private:
  messages::result<artifact> content_of(const download_order& order) const;
  void tell(process_event event);

  std::function<messages::timestamp()> now_;
  /// What the agent knows of `applications`.
  std::optional<messages::result<entries>> told_applications_;
  std::optional<port_map> last_rules_;
  launcher::on_event events_;
  std::int64_t next_number_;
  std::uint64_t random_ = 88172645463325252U;
};

} // namespace deployminator::agent
