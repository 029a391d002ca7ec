#pragma once

#include "messages/farm.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

namespace deployminator::messages {

/// How a fetch is getting on. Sent by agents at most twice a second, may be lost; the last one of a
/// fetch has `bytes == total`.
struct download_progress {
  static constexpr std::string_view type = "download.progress";
  std::string machine;
  /// The artifact's URL without password, query or fragment.
  std::string artifact;
  /// The instances that wait for it.
  std::vector<std::string> instances;
  std::uint64_t bytes = 0;
  /// Unset while the server does not say.
  std::optional<std::uint64_t> total;
  double bytes_per_second = 0;
  /// Seconds.
  std::optional<double> eta;

  bool operator==(const download_progress&) const = default;
  MSGPACK_DEFINE_MAP(machine, artifact, instances, bytes, total, bytes_per_second, eta)
};

/// An instance went from one state to another, or is gone (`to` is `stopped` then).
struct instance_change {
  static constexpr std::string_view type = "instance.state";
  std::string id;
  std::string application;
  std::string machine;
  instance_state from = instance_state::preparing;
  instance_state to = instance_state::preparing;
  std::int64_t pid = 0;
  std::vector<std::uint16_t> ports;
  std::uint32_t restarts = 0;
  std::optional<int> exit;
  std::string reason;
  /// The last lines of its output, when it failed.
  std::string output;

  bool operator==(const instance_change&) const = default;
  MSGPACK_DEFINE_MAP(id, application, machine, from, to, pid, ports, restarts, exit, reason, output)
};

enum class machine_state { ready, draining, drained, unreachable };

template <>
struct enum_text<machine_state> {
  static constexpr std::array<std::string_view, 4> names{"ready", "draining", "drained",
                                                         "unreachable"};
};

struct machine_change {
  static constexpr std::string_view type = "machine.state";
  std::string machine;
  machine_state from = machine_state::unreachable;
  machine_state to = machine_state::ready;
  std::string reason;

  bool operator==(const machine_change&) const = default;
  MSGPACK_DEFINE_MAP(machine, from, to, reason)
};

/// A public port of a machine leads to another instance from now on; empty and `port` 0: to none.
struct port_change {
  static constexpr std::string_view type = "port.target";
  std::string machine;
  std::uint16_t public_port = 0;
  std::string label;
  /// The instances.
  std::string from;
  std::string to;
  std::uint16_t port = 0;
  std::string reason;

  bool operator==(const port_change&) const = default;
  MSGPACK_DEFINE_MAP(machine, public_port, label, from, to, port, reason)
};

/// The public ports of a machine cannot be kept as its configuration says, or can again (`reason`
/// is empty then).
struct port_problem {
  static constexpr std::string_view type = "port.problem";
  std::string machine;
  std::string reason;

  bool operator==(const port_problem&) const = default;
  MSGPACK_DEFINE_MAP(machine, reason)
};

/// Something is wrong with a machine, or is not any more (`over`).
struct trouble_change {
  static constexpr std::string_view type = "machine.trouble";
  std::string machine;
  std::string what;
  timestamp since;
  /// What to do about it.
  std::string hint;
  bool over = false;

  bool operator==(const trouble_change&) const = default;
  MSGPACK_DEFINE_MAP(machine, what, since, hint, over)
};

/// A decision about a group and its reason; `phase` is a `rollout_phase`, or `placed`, `pinned`,
/// `accepted`, `kept` (data stays where it is) for decisions beside the phases. `rollout`: which
/// one of the group, 0 beside any.
struct rollout_step {
  static constexpr std::string_view type = "rollout.step";
  std::string phase;
  std::string reason;
  std::uint64_t rollout = 0;
  /// With `accepted`: the name of the key that ordered it; empty: nobody in particular did.
  std::string by;

  bool operator==(const rollout_step&) const = default;
  MSGPACK_DEFINE_MAP(phase, reason, rollout, by)
};

/// The last event of a rollout, told once, whatever asked for it.
struct rollout_finished {
  static constexpr std::string_view type = "rollout.finished";
  rollout_outcome outcome = rollout_outcome::succeeded;
  std::string reason;
  std::uint64_t rollout = 0;
  /// Instances that may still run on machines out of reach; they stop when those are back.
  std::uint64_t left = 0;

  bool operator==(const rollout_finished&) const = default;
  MSGPACK_DEFINE_MAP(outcome, reason, rollout, left)
};

enum class key_state { valid, revoked };

template <>
struct enum_text<key_state> {
  static constexpr std::array<std::string_view, 2> names{"valid", "revoked"};
};

/// A key was let in, or is no more.
struct key_change {
  static constexpr std::string_view type = "key.state";
  std::string key;
  key_role role = key_role::viewer;
  key_state to = key_state::valid;
  /// The name of the key that ordered it.
  std::string by;

  bool operator==(const key_change&) const = default;
  MSGPACK_DEFINE_MAP(key, role, to, by)
};

/// What a newer server tells of and this program has no name for.
struct other_event {
  std::string type;
  /// The msgpack map of its keys beside the header's, each a value that JSON has as well.
  std::string keys;

  bool operator==(const other_event&) const = default;
};

/// Something that happened. On the wire and in the store one flat map: the header's keys and those
/// of what happened side by side. `namespace`, `group` and `version` are missing where the event is
/// about no group.
struct event {
  using content
    = std::variant<download_progress, instance_change, machine_change, port_change, port_problem,
                   trouble_change, rollout_step, rollout_finished, key_change, other_event>;

  /// Numbers count up by one; given by the store when it keeps the event, 0 before.
  std::uint64_t seq = 0;
  timestamp time;
  std::string namespace_;
  std::string group;
  std::uint64_t version = 0;
  content what;

  bool operator==(const event&) const = default;
};

/// `type` of what happened: `download.progress`, …
std::string_view type_of(const event& e);

/// The number of the rollout that a step or end is of; 0 where the event says none.
std::uint64_t rollout_of(const event& e);

} // namespace deployminator::messages

namespace msgpack {
MSGPACK_API_VERSION_NAMESPACE(MSGPACK_DEFAULT_API_NS) {
  namespace adaptor {

  template <>
  struct convert<deployminator::messages::event> {
    const msgpack::object& operator()(const msgpack::object& o,
                                      deployminator::messages::event& out) const;
  };

  template <>
  struct object_with_zone<deployminator::messages::event> {
    void operator()(msgpack::object::with_zone& o, const deployminator::messages::event& e) const;
  };

  template <>
  struct pack<deployminator::messages::event> {
    template <class Stream>
    msgpack::packer<Stream>& operator()(msgpack::packer<Stream>& p,
                                        const deployminator::messages::event& e) const {
      msgpack::zone zone;
      return p.pack(msgpack::object(e, zone));
    }
  };

  } // namespace adaptor
}
} // namespace msgpack
