#pragma once

#include "messages/duration.hpp"
#include "messages/event.hpp"
#include "messages/farm.hpp"

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

/// The next step of a rollout:
///
///                    all fetched          all proven         those that leave are gone
///   ──► fetching ──────────────► starting ──────► stopping_old ──────────────────► succeeded
///          │ one failed, or          │ one failed, or
///          │ nothing came            │ not ready by the deadline
///          └──────────► stopping_new ◄┘ ── those that came are gone ──► failed
///
/// What has stopped, on a machine that cannot note that (its disk is full), holds nothing up.
/// Where canaries come, they start first and the rest waits in `starting` for a person; where the
/// old stop first, some of them stop there already. One that is paused goes on to no other phase
/// but stopping_new; `rollout_table.hpp` has what orders do to it.
/// One to which nothing comes begins in stopping_old. A newer rollout of the group supersedes it
/// anywhere. Where each instance stands alone, those that fail stop at once, and when all others
/// are proven the rollout goes to stopping_new and waits for them.
namespace deployminator::actors {

/// What a rollout knows of an instance that comes or leaves.
struct rollout_member {
  std::string id;
  std::string application;
  std::string machine;
  messages::instance_goal goal = messages::instance_goal::fetch;
  messages::instance_state state = messages::instance_state::preparing;
  bool fetched = false;
  bool was_ready = false;
  std::optional<int> exit;
  std::string sha256;
  std::string reason;
  /// Its machine is within reach.
  bool reachable = true;
  /// Its fetch does not move, or it has stopped and its machine cannot note that.
  bool stuck = false;

  bool operator==(const rollout_member&) const = default;
};

/// What a rollout must know of an application.
struct application_rules {
  messages::rollout_rules rollout;
  /// What all machines must get; empty until it is pinned.
  std::string sha256;
  /// Where from, without what is secret in it.
  std::string download_url;

  bool operator==(const application_rules&) const = default;
};

/// By name.
using rules_by_application = std::map<std::string, application_rules>;

/// What has changed since the last news; the first ones tell everything.
struct rollout_news {
  /// Nothing: as before, and so are the applications.
  std::optional<messages::rollout> row;
  rules_by_application applications;
  std::vector<rollout_member> changed;
  std::vector<std::string> gone;

  bool operator==(const rollout_news&) const = default;
};

/// What a rollout sees.
struct rollout_view {
  messages::rollout row;
  rules_by_application applications;
  std::unordered_map<std::string, rollout_member> members;
};

void apply(rollout_view& view, rollout_news news);

/// How long things have lasted. All moments are durations on a clock that never jumps.
class rollout_clock {
public:
  /// Notes what the view begins: a phase, an instance that is told to run.
  void look(const rollout_view& view, messages::duration now);

  /// Since the present phase began, or was found after a restart of the server.
  [[nodiscard]] messages::duration in_phase() const {
    return now_ - phase_since_;
  }
  /// Since the instance was told to run; 0: it was not.
  [[nodiscard]] messages::duration told_to_run(const std::string& id) const;
  /// Since the instance is to fetch its artifact; 0: it has it.
  [[nodiscard]] messages::duration unfetched(const std::string& id) const;
  /// Since that has not moved; 0: it does.
  [[nodiscard]] messages::duration unmoved(const std::string& id) const;

private:
  using since_by_id = std::unordered_map<std::string, messages::duration>;

  [[nodiscard]] messages::duration passed(const since_by_id& since, const std::string& id) const;

  messages::duration now_{0};
  messages::duration phase_since_{0};
  std::optional<std::pair<std::uint64_t, messages::rollout_phase>> phase_;
  since_by_id told_to_run_;
  since_by_id unfetched_;
  since_by_id unmoved_;
};

/// What a rollout wants done next; nothing is also an answer.
struct rollout_decision {
  /// What it was decided for: it means nothing to another rollout, or in another phase.
  std::uint64_t rollout = 0;
  messages::rollout_phase in = messages::rollout_phase::fetching;
  /// Instances whose goal becomes `run`, or `stop`.
  std::vector<std::string> start;
  std::vector<std::string> stop;
  std::optional<messages::rollout_phase> phase;
  std::optional<messages::rollout_outcome> finished;
  /// The canaries are ready: a person has to say whether the rest comes.
  bool waits = false;
  /// Why, for people.
  std::string reason;
  /// Why the rollout will have failed in the end; empty: it has not, or did before.
  std::string failure;
  /// With `finished`: instances on machines out of reach that may still run.
  std::uint64_t left = 0;

  bool operator==(const rollout_decision&) const = default;
};

/// Ready, or a job that is done.
bool is_proven(const messages::observation& seen);

/// Whether the decision changes anything.
bool is_empty(const rollout_decision& d);

/// The next step of a rollout.
rollout_decision next_step(const rollout_view& view, const rollout_clock& clock);

/// When `next_step` may answer differently though nothing else happened: so much later.
std::optional<messages::duration> next_look(const rollout_view& view, const rollout_clock& clock);

} // namespace deployminator::actors
