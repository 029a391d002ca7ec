#pragma once

#include "cli/client.hpp"
#include "cli/group_name.hpp"
#include "cli/json.hpp"
#include "cli/outcome.hpp"
#include "cli/verdict.hpp"
#include "messages/event.hpp"
#include "messages/farm.hpp"

#include <chrono>
#include <map>
#include <optional>
#include <string>
#include <vector>

namespace deployminator::cli {

/// An order's rollouts: what has become of them, and which instances failed.
class rollouts {
public:
  /// `done`: what the final result calls an order that leaves nothing running, such as `stopped`;
  /// empty: the deployed version is told.
  /// `wanted`: the outcome that the order asks for; to succeed is as good.
  explicit rollouts(std::vector<messages::group_version> begun, std::string done = {},
                    messages::rollout_outcome wanted = messages::rollout_outcome::succeeded);

  /// Takes in an event of theirs.
  void take(const messages::event& e);

  /// All rollouts have ended.
  bool have_ended() const;

  /// From the next `look` on `waits_for_jobs` tells of the jobs of the versions that were rolled
  /// out.
  void await_jobs();

  /// Some of these jobs have not ended, as far as it was looked and events were taken.
  bool waits_for_jobs() const;

  /// How long those may take.
  std::chrono::duration<double> patience() const;

  /// Asks what the groups look like now that all has ended; as far as it can be asked.
  void look(client& server);
  /// The same for one group, as given.
  void look(const group_name& name, standing now);

  /// As far as it was looked, also of jobs that the rollouts did not wait for.
  exit_code exit() const;

  /// How these jobs get on, as rows for `--json`.
  json jobs() const;

  /// The final result for people, one paragraph for each group.
  std::string summary(const std::string& took) const;

  /// What `--json` ends with where the last event does not say what became of the whole order:
  /// there are several groups, or the end was not seen. `unseen`: why it was not; empty: it was.
  std::optional<json> last_line(const std::string& unseen, messages::timestamp now) const;

private:
  using instance_changes = std::map<std::string, messages::instance_change>;

  void take(const group_name& name, const messages::instance_change& change);
  /// The failed instances of the group.
  const instance_changes& failed_in(const group_name& name) const;

  std::vector<messages::group_version> begun_;
  std::string done_;
  messages::rollout_outcome wanted_;
  std::map<group_name, messages::rollout_finished> finished_;
  std::map<group_name, instance_changes> failed_;
  std::map<group_name, standing> standings_;
  bool awaits_jobs_ = false;
  /// Jobs that have not ended, by id.
  std::map<std::string, messages::instance_row> open_jobs_;
  /// Jobs that somebody stopped meanwhile.
  std::map<group_name, std::vector<messages::instance_change>> cut_off_;
};

} // namespace deployminator::cli
