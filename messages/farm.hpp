#pragma once

#include "messages/access_key.hpp"
#include "messages/instance_table.hpp"
#include "messages/machine_trouble.hpp"
#include "messages/public_ports.hpp"

#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <utility>
#include <vector>

/// What the server knows: the values that the store keeps and the decisions work on.
namespace deployminator::messages {

/// A row of `appgroup`. Once created it stays, so that its versions can be rolled out again.
struct group {
  std::uint64_t id = 0;
  std::string namespace_;
  std::string name;
  /// 0: nothing is deployed.
  std::uint64_t deployed_version = 0;
  /// The version being rolled out; 0: none.
  std::uint64_t pending_version = 0;
  /// Applications stopped on purpose, by name: they have no instances until they are started again,
  /// whichever version comes. `*`: all.
  std::set<std::string> stopped;

  bool operator==(const group&) const = default;
};

enum class version_state { deployed, pending, failed, superseded, retired };

template <>
struct enum_text<version_state> {
  static constexpr std::array<std::string_view, 5> names{"deployed", "pending", "failed",
                                                         "superseded", "retired"};
};

/// An immutable set of applications of one group, a row of `group_version`; its id is its number.
/// Only `state`, `last_deployed` and the pinned `sha256` of its applications ever change.
struct version {
  std::uint64_t id = 0;
  std::uint64_t group_id = 0;
  timestamp created_at;
  std::uint64_t build = 0;
  std::string repository;
  std::string artifact_id;
  std::string branch;
  std::string commit;
  /// The name of the key that submitted the build.
  std::string created_by;
  version_state state = version_state::pending;
  /// Counts successful rollouts over all groups: the highest but the deployed one is what
  /// `rollback` goes back to. 0: never was deployed.
  std::uint64_t last_deployed = 0;
  std::vector<application> applications;

  bool operator==(const version&) const = default;
};

/// An agent that said hello at least once.
struct machine {
  std::string name;
  /// The random identity in the agent's state directory: tells a restart of the same agent from
  /// another one that claims its name, where no key proves who it is.
  std::string identity;
  std::vector<std::string> groups;
  std::uint64_t memory_mb = 0;
  std::string agent_version;
  timestamp last_seen;
  /// Generation of its assignment; only grows.
  std::uint64_t generation = 0;
  /// As its agent last said.
  public_ports ports;
  /// As its agent last said.
  std::vector<machine_trouble> troubles;
  /// It is out of reach, and everybody was told so.
  bool lost = false;
  /// It takes nothing new, and what is on it goes elsewhere.
  bool draining = false;

  bool operator==(const machine&) const = default;
};

/// Where a rollout is.
enum class rollout_phase {
  /// Every new instance fetches its artifact; the old ones run.
  fetching,
  /// New instances start, `parallel` at a time; the old ones run.
  starting,
  /// Every new instance is ready; the old ones stop.
  stopping_old,
  /// It failed or was superseded: the new instances stop, the old ones run.
  stopping_new,
};

template <>
struct enum_text<rollout_phase> {
  static constexpr std::array<std::string_view, 4> names{"fetching", "starting", "stopping_old",
                                                         "stopping_new"};
};

/// Whether a rollout asks a person after its first instances.
enum class canary_state {
  /// It asks nobody.
  none,
  /// The canaries are fetched, start and prove themselves; nothing else starts.
  trial,
  /// They are ready: the rest waits for `promote`.
  waiting,
  /// A person said that the rest may come.
  promoted,
};

template <>
struct enum_text<canary_state> {
  static constexpr std::array<std::string_view, 4> names{"none", "trial", "waiting", "promoted"};
};

/// Instances of a group on their way: everything that starts or stops instances is one. A group has
/// one at most.
struct rollout {
  std::uint64_t group_id = 0;
  /// Tells it from the group's other ones; only grows within the group.
  std::uint64_t id = 0;
  /// The versions; `from` 0: nothing was deployed, `to` 0: the group is being undeployed. Where
  /// they are the same, instances come, go or move within the version.
  std::uint64_t from = 0;
  std::uint64_t to = 0;
  rollout_phase phase = rollout_phase::fetching;
  timestamp started_at;
  /// The instances that are fetched, started and proven.
  std::vector<std::string> coming;
  /// The instances that stop when all that come are proven.
  std::vector<std::string> leaving;
  /// An instance that comes and fails goes alone, and the others stay; else all that come go.
  bool each_alone = false;
  /// What it is for: one sentence for people.
  std::string purpose;
  /// Why it fails, once it does.
  std::string failure;
  /// Of the order that asked for it; empty: none did.
  std::string order_id;
  canary_state canary = canary_state::none;
  /// A person holds it: nothing new starts, and nothing of the old stops.
  bool paused = false;
  /// A person gave it up, which is why it fails.
  bool aborted = false;

  bool operator==(const rollout&) const = default;
};

enum class rollout_outcome { succeeded, failed, reverted, superseded };

template <>
struct enum_text<rollout_outcome> {
  static constexpr std::array<std::string_view, 4> names{"succeeded", "failed", "reverted",
                                                         "superseded"};
};

/// What an order does to a group, as its answer says.
struct group_version {
  std::string namespace_;
  std::string group;
  /// 0: the group is being undeployed.
  std::uint64_t version = 0;
  /// The rollout that carries it out; its last event says so.
  std::uint64_t rollout = 0;

  bool operator==(const group_version&) const = default;
  MSGPACK_DEFINE_MAP(MSGPACK_NVP("namespace", namespace_), group, version, rollout)
};

/// How a rollout that an order asked for ended.
struct order_end {
  std::uint64_t rollout = 0;
  rollout_outcome outcome = rollout_outcome::succeeded;
  timestamp time;
  std::string reason;

  bool operator==(const order_end&) const = default;
  MSGPACK_DEFINE_MAP(rollout, outcome, time, reason)
};

/// What is kept of an order that was acknowledged, so that its repetition gets the same answer.
struct receipt {
  /// The order's id, chosen by the client, at most 64 characters.
  std::string id;
  /// Of the order's content: another order under the same id is refused.
  std::uint64_t digest = 0;
  /// Who gave it; empty while everybody may.
  std::string who;
  timestamp time;
  std::vector<group_version> versions;
  /// What becomes of it has higher numbers than this event.
  std::uint64_t seq = 0;
  /// The verb of `deploy` that gives such orders.
  std::string what;
  /// Of those of `versions` that have ended.
  std::vector<order_end> ends;

  bool operator==(const receipt&) const = default;
};

/// How many receipts are kept at least, the newest by `seq`: no clock can make one of them old.
constexpr std::size_t kept_receipts = 10'000;

/// Everything the server knows. Ordered containers only: whoever walks them sees the same order.
struct farm {
  std::map<std::uint64_t, group> groups;
  std::map<std::uint64_t, version> versions;
  instance_table instances;
  std::map<std::string, machine> machines;
  /// By group id.
  std::map<std::uint64_t, rollout> rollouts;
  /// By the orders' ids; a few more than `kept_receipts` at most.
  std::map<std::string, receipt> receipts;
  /// By id.
  std::map<std::uint64_t, access_key> keys;
  /// Random, made with the store.
  std::string store_id;
  /// The number of the last event that was stored.
  std::uint64_t last_event = 0;
  /// The highest `application::id` given away.
  std::uint64_t last_application = 0;

  bool operator==(const farm&) const = default;
};

} // namespace deployminator::messages
