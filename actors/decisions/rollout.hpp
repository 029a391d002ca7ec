#pragma once

#include "actors/decisions/moment.hpp"
#include "messages/change.hpp"
#include "messages/duration.hpp"
#include "messages/farm.hpp"

#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

/// How a group moves from one version to the next:
///
///                    all fetched          all ready            the old are gone
///   ──► fetching ──────────────► starting ──────► stopping_old ──────────────► succeeded
///          │ one failed, or          │ one failed, or
///          │ nothing came            │ not ready by the deadline
///          └──────────► stopping_new ◄┘ ── the new are gone ──► failed
///
/// An undeploy begins in stopping_old. A newer rollout of the group supersedes it anywhere.
namespace deployminator::actors {

/// What a rollout sees of its group.
struct rollout_view {
  messages::rollout rollout;
  messages::group group;
  /// The version being rolled out; without content for an undeploy.
  messages::version target;
  /// All instances of the group.
  std::vector<messages::instance> instances;
  /// Machines out of reach.
  std::set<std::string> unreachable;
  /// Counts the changes of the group, so that an answer to an old view is recognised.
  std::uint64_t revision = 0;
};

/// How long things have lasted, measured by whoever looks at the view with a clock that never
/// jumps.
struct rollout_waits {
  /// Since the present phase began, or was found after a restart of the server.
  messages::duration in_phase{0};
  /// By instance: since it was told to run.
  std::map<std::string, messages::duration> told_to_run;
};

/// What a rollout wants done next; nothing is also an answer.
struct rollout_decision {
  /// Instances whose goal becomes `run`, or `stop`.
  std::vector<std::string> start;
  std::vector<std::string> stop;
  std::optional<messages::rollout_phase> phase;
  std::optional<messages::rollout_outcome> finished;
  /// Why, for people.
  std::string reason;

  bool operator==(const rollout_decision&) const = default;
};

/// Ready, or a job that is done.
bool is_proven(const messages::observation& seen);

/// Whether the decision changes anything.
bool is_empty(const rollout_decision& d);

/// The next step of a rollout.
rollout_decision next_step(const rollout_view& view, const rollout_waits& waits);

/// When `next_step` may answer differently though nothing else happened: so much later.
std::optional<messages::duration> next_look(const rollout_view& view, const rollout_waits& waits);

/// What the decision does to the farm.
messages::change carry_out(const messages::farm& farm, std::uint64_t group_id,
                           const rollout_decision& decision, const moment& m);

} // namespace deployminator::actors
