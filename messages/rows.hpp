#pragma once

#include "messages/event.hpp"
#include "messages/farm.hpp"

#include <cstdint>
#include <optional>
#include <set>
#include <string>
#include <vector>

/// The rows of the tables that the server answers questions with; the keys are the field names.
namespace deployminator::messages {

/// A port of an instance that others look up by name.
struct service_row {
  std::string name;
  std::uint32_t port = 0;
  std::vector<std::string> types;
  MSGPACK_DEFINE_MAP(name, port, types)
};

/// An instance as `deploy instances` shows it.
struct instance_row {
  std::string id;
  std::string namespace_;
  std::string group;
  std::string application;
  std::uint64_t version = 0;
  std::uint64_t build = 0;
  std::string machine;
  instance_state state = instance_state::preparing;
  std::int64_t pid = 0;
  std::int64_t uid = 0;
  std::vector<std::uint16_t> ports;
  std::uint32_t restarts = 0;
  std::optional<timestamp> started_at;
  std::optional<timestamp> ready_at;
  std::optional<int> exit;
  std::string reason;
  std::vector<service_row> services;
  /// It is to end by itself (`alwayson: false`).
  bool job = false;
  /// Of a job: how long, in seconds, who follows its rollout waits for its end.
  std::optional<double> deadline;
  /// It was restarted three times within the last ten minutes, or more often.
  bool restarting = false;

  MSGPACK_DEFINE_MAP(id, MSGPACK_NVP("namespace", namespace_), group, application, version, build,
                     machine, state, pid, uid, ports, restarts, started_at, ready_at, exit, reason,
                     services, job, deadline, restarting)
};

/// A machine as `deploy machines` shows it.
struct machine_row {
  std::string name;
  std::vector<std::string> groups;
  machine_state state = machine_state::unreachable;
  std::uint64_t instances = 0;
  std::string agent_version;
  timestamp last_seen;
  std::uint64_t memory_mb = 0;
  /// What is wrong with it, as last heard.
  std::vector<machine_trouble> troubles;

  MSGPACK_DEFINE_MAP(name, groups, state, instances, agent_version, last_seen, memory_mb, troubles)
};

/// A public port of a machine as `deploy ports` shows it.
struct port_row {
  std::string machine;
  std::uint16_t public_port = 0;
  std::string label;
  /// Where new connections go; nothing where there is no such instance.
  std::optional<std::string> instance;
  std::string namespace_;
  std::string group;
  std::uint64_t version = 0;
  std::string application;
  std::optional<std::uint16_t> port;
  std::string reason;

  MSGPACK_DEFINE_MAP(machine, public_port, label, instance, MSGPACK_NVP("namespace", namespace_),
                     group, version, application, port, reason)
};

/// Why a machine's public ports are not as its configuration says.
struct port_problem_row {
  std::string machine;
  std::string reason;

  MSGPACK_DEFINE_MAP(machine, reason)
};

/// A key as `deploy key list` shows it.
struct key_row {
  std::string name;
  key_role role = key_role::viewer;
  std::vector<std::string> namespaces;
  std::vector<std::string> groups;
  timestamp created_at;
  std::string created_by;
  std::optional<timestamp> revoked_at;
  /// When its holder was connected last, since the server's start.
  std::optional<timestamp> last_seen;
  /// While the server's key is being rotated: the key file of the holder has the next one, as he
  /// said since the server's start.
  std::optional<bool> knows_next_server_key;

  MSGPACK_DEFINE_MAP(name, role, namespaces, groups, created_at, created_by, revoked_at, last_seen,
                     knows_next_server_key)
};

/// A version as `deploy versions` shows it.
struct version_row {
  std::uint64_t version = 0;
  std::uint64_t build = 0;
  std::string repository;
  std::string branch;
  std::string commit;
  timestamp created_at;
  version_state state = version_state::pending;
  /// The name of the key that submitted the build.
  std::string created_by;

  MSGPACK_DEFINE_MAP(version, build, repository, branch, commit, created_at, state, created_by)
};

/// An order to a group as `deploy history` shows it.
struct history_row {
  timestamp time;
  /// The name of the key that gave it.
  std::string who;
  /// The verb of `deploy` that gives such orders.
  std::string order;
  /// 0: none is deployed by it.
  std::uint64_t version = 0;
  std::uint64_t build = 0;
  /// Unset while it is under way.
  std::optional<rollout_outcome> outcome;
  /// From the order to the end of the rollout.
  std::optional<double> seconds;
  /// Why it ended so.
  std::string reason;

  MSGPACK_DEFINE_MAP(time, who, order, version, build, outcome, seconds, reason)
};

/// What `deploy redistribute` would move.
struct move_row {
  /// `move`.
  std::string action;
  std::string namespace_;
  std::string group;
  std::string application;
  std::uint64_t version = 0;
  /// The machines.
  std::string from;
  std::string to;
  std::string reason;

  MSGPACK_DEFINE_MAP(action, MSGPACK_NVP("namespace", namespace_), group, application, version,
                     from, to, reason)
};

/// How a server stands to its farm.
enum class server_state {
  /// It leads.
  reigning,
  /// It waits to take over.
  standby,
  /// It renews its lease no more, or was not seen waiting lately.
  unreachable,
};

template <>
struct enum_text<server_state> {
  static constexpr std::array<std::string_view, 3> names{"reigning", "standby", "unreachable"};
};

/// A server as `deploy servers` shows it.
struct server_row {
  /// Of its machine.
  std::string name;
  /// Where it takes orders, as its own settings say.
  std::string listen;
  server_state state = server_state::unreachable;
  /// Since when it leads or waits, by the database's clock.
  timestamp since;
  /// The one that it took over with, or 0.
  std::uint64_t epoch = 0;
  /// Of its program.
  std::string version;

  bool operator==(const server_row&) const = default;
  MSGPACK_DEFINE_MAP(name, listen, state, since, epoch, version)
};

/// The rollout that is under way in a group.
struct rollout_row {
  std::uint64_t version = 0;
  rollout_phase phase = rollout_phase::fetching;
  timestamp started_at;
  std::string reason;
  /// The verb that it waits for, `promote` or `resume`.
  std::optional<std::string> waits_for;
  MSGPACK_DEFINE_MAP(version, phase, started_at, reason, waits_for)
};

/// The end of the last rollout that an order asked for.
struct ended_row {
  std::uint64_t version = 0;
  rollout_outcome outcome = rollout_outcome::succeeded;
  timestamp time;
  std::string reason;
  MSGPACK_DEFINE_MAP(version, outcome, time, reason)
};

/// A group as `deploy status` shows it; versions are 0 where there is none.
struct group_row {
  std::string namespace_;
  std::string group;
  std::uint64_t deployed_version = 0;
  std::uint64_t pending_version = 0;
  /// Instances that should run, that run (ready or not), and that are ready.
  std::uint64_t wanted = 0;
  std::uint64_t running = 0;
  std::uint64_t ready = 0;
  /// Of the instances that should run those that are restarted again and again, ready or not.
  std::uint64_t restarting = 0;
  std::optional<rollout_row> rollout;
  /// Applications stopped on purpose, by name; `*`: all.
  std::set<std::string> stopped;
  /// Set where that was no success, until the next one begins.
  std::optional<ended_row> failure;

  MSGPACK_DEFINE_MAP(MSGPACK_NVP("namespace", namespace_), group, deployed_version, pending_version,
                     wanted, running, ready, restarting, rollout, stopped, failure)
};

} // namespace deployminator::messages
