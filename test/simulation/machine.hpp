#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "simulation/program.hpp"
#include "simulation/timeline.hpp"
#include "simulation/trace.hpp"
#include "support/simulated_machine.hpp"

namespace deployminator::simulation {

/// Where artifacts come from, and what is wrong with it.
struct artifact_server {
  enum class trouble { none, slow, breaks_off, wrong_bytes };
  trouble what = trouble::none;
  /// What somebody got wrong bytes of, by URL: a version may be pinned to those.
  mutable std::set<std::string> tainted;
};

/// A machine of the farm: an agent's outside on which everything takes its time and may fail. It
/// goes on while there is no agent.
class machine : public agent::simulated_machine {
public:
  machine(std::string name, timeline& clock, trace& record, std::uint64_t seed,
          const artifact_server& artifacts, programs& all);

  /// Called after something was answered: the agent has something to do.
  std::function<void()> on_answer;
  /// Called before a program is started, and before one that runs is ended on the agent's behalf.
  std::function<void(const std::string& id)> on_launch;
  std::function<void(const std::string& id)> on_end;

  /// Called after the agent wrote its record, with the one before.
  std::function<void(const agent::agent_record& before, const agent::agent_record& now)> on_save;

  /// An agent's process begins or is gone.
  void agent_begins();
  void agent_ends();

  /// Sends on their way the answers that the agent's calls have made due.
  void send_answers();

  /// Everything that runs is gone, and so may be what was written last.
  void reboot();

  /// The program of some instance ends by itself; `pick` chooses which.
  void end_some_program(std::uint64_t pick, int exit);

  /// The same, and another process takes its port.
  void take_some_port(std::uint64_t pick);

  /// UTC goes wrong by so much.
  moment clock_error{0};

  void start(const agent::download_order& order, on_progress progress, on_done done) override;
  messages::result<std::vector<agent::found_instance>> recover() override;
  void unpack(const agent::unpack_order& order, on_unpacked done) override;
  void launch(const agent::launch_order& order) override;
  void stop(const std::string& id, const messages::stop_rules& how) override;
  void kill_all(const std::string& id) override;
  void check(const agent::health_order& order, on_checked done) override;
  messages::result<void> save_agent(const agent::agent_record& record) override;
  messages::result<void> save_instance(const agent::instance_record& record) override;

private:
  void run(const agent::launch_order& order);
  void behave(const std::string& id, int launches);
  void end(const std::string& id, int exit);
  [[nodiscard]] bool is_bad(const std::string& id);
  [[nodiscard]] std::string some_running(std::uint64_t pick) const;
  [[nodiscard]] bool is_cached(const agent::download_order& order) const;
  void finish_download(const std::string& key, std::uint64_t number, bool broken, bool wrong);
  [[nodiscard]] bool is_this_agent(std::uint64_t agent) const;

  std::string name_;
  timeline& clock_;
  trace& record_;
  dice dice_;
  const artifact_server& artifacts_;
  programs& all_;
  /// Counts the agents' lives.
  std::uint64_t agent_ = 0;
  bool has_agent_ = false;
  bool recovered_ = false;
  moment last_answer_{0};
  std::uint64_t downloads_ = 0;
  /// The number of the transfer of each key.
  std::map<std::string, std::uint64_t> transfer_numbers_;
  std::set<std::string> cache_;
  /// The numbers of the starts that are under way, by instance: a starter's, whether or not there
  /// is an agent.
  std::map<std::string, std::uint64_t> starting_;
  std::uint64_t last_start_ = 0;
  /// What records said before their last change, and when that was.
  std::map<std::string, std::pair<moment, std::optional<agent::instance_record>>> overwritten_;
};

} // namespace deployminator::simulation
