#pragma once

#include "cli/group_name.hpp"
#include "messages/event.hpp"
#include "messages/rows.hpp"

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

/// What became of an order, in words. Pure.
namespace deployminator::cli {

/// A group as the server has it once a rollout of it has ended.
struct standing {
  messages::group_row group;
  std::vector<messages::instance_row> instances;
};

/// A rollout that has ended.
struct ended_rollout {
  group_name name;
  /// 0: an undeploy.
  std::uint64_t version = 0;
  /// What the order is called that leaves nothing running, such as `stopped`; else empty.
  std::string done;
  messages::rollout_finished end;
  /// Its instances that failed, by id.
  std::map<std::string, messages::instance_change> failed;
  /// Its jobs that were stopped before they had ended.
  std::vector<messages::instance_change> cut_off;
};

/// How a job of a version that was rolled out gets on.
enum class job_state { running, done, failed };

/// Of one that is started again after it failed, the failure counts. `failed`: the instances that
/// were seen to fail, by id.
job_state state_of_job(const messages::instance_row& job,
                       const std::map<std::string, messages::instance_change>& failed);

/// The jobs of a version.
std::vector<messages::instance_row> jobs_of(const standing& now, std::uint64_t version);

/// How a rollout ended and why, once where the reason says it already: `failed: it exited`,
/// `superseded by version 3`.
std::string end_text(messages::rollout_outcome outcome, const std::string& reason);

/// The final result for people: what runs now and what does not. `now`: nothing where the server
/// could not be asked; then what its last event says is told.
std::string verdict_of(const ended_rollout& r, const std::optional<standing>& now,
                       const std::string& took);

} // namespace deployminator::cli
