#pragma once

#include "cli/client.hpp"
#include "cli/group_name.hpp"
#include "cli/json.hpp"
#include "cli/outcome.hpp"
#include "cli/verdict.hpp"
#include "messages/event.hpp"
#include "messages/farm.hpp"

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
  explicit rollouts(std::vector<messages::group_version> begun, std::string done = {});

  /// Takes in an event of theirs; true: it was the last one of all.
  bool take(const messages::event& e);

  /// Asks what the groups look like now that all has ended; as far as it can be asked.
  void look(client& server);
  /// The same for one group, as given.
  void look(const group_name& name, standing now);

  /// As far as it was looked, also of jobs that the rollout did not wait for.
  exit_code exit() const;

  /// The final result for people, one paragraph for each group.
  std::string summary(const std::string& took) const;

  /// What `--json` ends with where the last event does not say what became of the whole order:
  /// there are several groups, or the end was not seen. `unseen`: why it was not; empty: it was.
  std::optional<json> last_line(const std::string& unseen, messages::timestamp now) const;

private:
  using instance_changes = std::map<std::string, messages::instance_change>;

  std::vector<messages::group_version> begun_;
  std::string done_;
  std::map<group_name, messages::rollout_finished> finished_;
  std::map<group_name, instance_changes> failed_;
  std::map<group_name, standing> standings_;
};

} // namespace deployminator::cli
