#pragma once

#include "messages/instance.hpp"
#include "messages/public_ports.hpp"

#include <cstdint>
#include <map>
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

  bool operator==(const group&) const = default;
  MSGPACK_DEFINE_MAP(id, MSGPACK_NVP("namespace", namespace_), name, deployed_version,
                     pending_version)
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
  version_state state = version_state::pending;
  /// Counts successful rollouts over all groups: the highest but the deployed one is what
  /// `rollback` goes back to. 0: never was deployed.
  std::uint64_t last_deployed = 0;
  std::vector<application> applications;

  bool operator==(const version&) const = default;
  MSGPACK_DEFINE_MAP(id, group_id, created_at, build, repository, artifact_id, branch, commit,
                     state, last_deployed, applications)
};

/// One copy of an application on one machine: what is wanted and what was last seen of it.
struct instance {
  /// Also `seen.id`.
  std::string id;
  std::uint64_t version_id = 0;
  /// `application::name` within the version.
  std::string application;
  std::string machine;
  instance_goal goal = instance_goal::fetch;
  observation seen;

  bool operator==(const instance&) const = default;
  MSGPACK_DEFINE_MAP(id, version_id, application, machine, goal, seen)
};

/// An agent that said hello at least once.
struct machine {
  std::string name;
  /// The random identity in the agent's state directory: tells a restart of the same agent from
  /// another one that claims its name.
  std::string identity;
  std::vector<std::string> groups;
  std::uint64_t memory_mb = 0;
  std::string agent_version;
  timestamp last_seen;
  /// Generation of its assignment; only grows.
  std::uint64_t generation = 0;
  /// As its agent last said.
  public_ports ports;

  bool operator==(const machine&) const = default;
  MSGPACK_DEFINE_MAP(name, identity, groups, memory_mb, agent_version, last_seen, generation, ports)
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

/// A group on its way from one version to another; one per group at most.
struct rollout {
  std::uint64_t group_id = 0;
  /// 0: the group is being undeployed.
  std::uint64_t version_id = 0;
  std::uint64_t previous_version = 0;
  rollout_phase phase = rollout_phase::fetching;
  timestamp started_at;
  /// Why it is being undone, in `stopping_new`.
  std::string reason;

  bool operator==(const rollout&) const = default;
  MSGPACK_DEFINE_MAP(group_id, version_id, previous_version, phase, started_at, reason)
};

/// A group's version, as an order's answer names it.
struct group_version {
  std::string namespace_;
  std::string group;
  std::uint64_t version = 0;

  bool operator==(const group_version&) const = default;
  MSGPACK_DEFINE_MAP(MSGPACK_NVP("namespace", namespace_), group, version)
};

/// An order that was acknowledged, so that its repetition gets the same answer.
struct order {
  /// Chosen by the client, at most 64 characters.
  std::string id;
  std::vector<group_version> versions;
  /// What becomes of it has higher numbers than this event.
  std::uint64_t seq = 0;

  bool operator==(const order&) const = default;
  MSGPACK_DEFINE_MAP(id, versions, seq)
};

/// Everything the server knows. Ordered containers only: whoever walks them sees the same order.
struct farm {
  std::map<std::uint64_t, group> groups;
  std::map<std::uint64_t, version> versions;
  std::map<std::string, instance> instances;
  std::map<std::string, machine> machines;
  /// By group id.
  std::map<std::uint64_t, rollout> rollouts;
  std::map<std::string, order> orders;
  /// The number of the last event that was stored.
  std::uint64_t last_event = 0;
  /// The highest `application::id` given away.
  std::uint64_t last_application = 0;

  bool operator==(const farm&) const = default;
};

} // namespace deployminator::messages
