#pragma once

#include "messages/event.hpp"
#include "messages/failure.hpp"
#include "messages/farm.hpp"
#include "messages/instance_usage.hpp"
#include "messages/kept_log.hpp"
#include "messages/orders.hpp"
#include "messages/placing.hpp"
#include "messages/planned_change.hpp"
#include "messages/rows.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>
#include <variant>
#include <vector>

/// The messages between server, agents and clients, protocol version 1. README.md beside this file
/// is their documentation for readers of other languages; the keys are the field names.
namespace deployminator::messages {

/// The protocol versions this build speaks.
inline constexpr std::uint32_t lowest_protocol = 1;
inline constexpr std::uint32_t highest_protocol = 1;

/// No message may be larger; a socket that gets more drops the connection.
inline constexpr std::size_t max_message_bytes = 4 << 20;

/// Lists that grow past this are sent in several messages.
inline constexpr std::size_t page_bytes = 1 << 20;

/// The body of a message that says all by its type: an empty map.
struct empty_body {
  template <class Packer>
  void msgpack_pack(Packer& packer) const {
    packer.pack_map(0);
  }
  void msgpack_unpack(const msgpack::object& o) {
    if (o.type != msgpack::type::MAP)
      throw msgpack::type_error{};
  }
};

// -- session: any side ----------------------------------------------------------------------------

enum class peer_role { agent, client };

template <>
struct enum_text<peer_role> {
  static constexpr std::array<std::string_view, 2> names{"agent", "client"};
};

/// What an agent says of itself in `hello`.
struct agent_introduction {
  std::string name;
  /// Random, kept in the agent's state directory.
  std::string identity;
  /// Random, new each time the agent's process starts.
  std::string incarnation;
  std::vector<std::string> groups;
  std::uint64_t memory_mb = 0;
  /// The assignment the agent holds, and `digest_of` its instances.
  std::uint64_t generation = 0;
  std::uint64_t assignment_digest = 0;
  /// `digest_of` everything it observes.
  std::uint64_t observation_digest = 0;
  /// It was another release that wrote down the assignment, perhaps without keys that this one
  /// knows: the agent wants all of it again.
  bool wants_assignment = false;

  MSGPACK_DEFINE_MAP(name, identity, incarnation, groups, memory_mb, generation, assignment_digest,
                     observation_digest, wants_assignment)
};

/// Agent or client → server, first on every connection and again until answered.
struct hello {
  static constexpr std::string_view type = "hello";
  peer_role role = peer_role::client;
  std::uint32_t lowest = lowest_protocol;
  std::uint32_t highest = highest_protocol;
  std::string software;
  /// The highest server epoch the sender has seen; a server with a lower one must step back.
  std::uint64_t epoch = 0;
  std::optional<agent_introduction> agent;
  /// The id of the store that the agent obeys; empty: none yet.
  std::string store;
  /// The next key of the server that the sender's key file has; empty: none.
  std::string next_server_key;

  MSGPACK_DEFINE_MAP(role, lowest, highest, software, epoch, agent, store, next_server_key)
};

/// Server → agent or client, the answer to `hello`, and again when a rotation of the server's key
/// begins. The envelope's epoch is the server's.
struct welcome {
  static constexpr std::string_view type = "welcome";
  /// The protocol version to speak from now on.
  std::uint32_t version = highest_protocol;
  std::string software;
  /// Where events are published, and where agents publish their progress. `publish` is empty for
  /// whom the server limits to some namespaces: he gets his events by asking.
  std::string publish;
  std::string collect;
  /// To an agent: the server knows other things of its instances than the agent observes, and wants
  /// a full report.
  bool report_wanted = false;
  /// The id of the server's store: an agent obeys none but the one that it obeyed first.
  std::string store;
  /// While the server's key is being rotated.
  std::optional<messages::next_server_key> next_server_key;

  MSGPACK_DEFINE_MAP(version, software, publish, collect, report_wanted, store, next_server_key)
};

/// Either side, every second while nothing else is said; less often at a calm pace. The server's
/// answer to a heartbeat or request of a peer it does not know is `unknown_peer`.
struct heartbeat {
  static constexpr std::string_view type = "heartbeat";
  /// In the server's: by its clock.
  std::optional<timestamp> time;
  /// The server asks for the calm pace; the peer keeps it.
  bool calm = false;
  MSGPACK_DEFINE_MAP(time, calm)
};

/// Server → peer without a session: say hello again.
struct unknown_peer {
  static constexpr std::string_view type = "unknown_peer";
  /// By the server's clock.
  std::optional<timestamp> time;
  MSGPACK_DEFINE_MAP(time)
};

/// The answer to a request that is not granted, or to a message that is not understood (correlation
/// id 0 if it could not be read).
struct refusal {
  static constexpr std::string_view type = "refusal";
  failure error;
  /// To a `hello`: this server stands by, another one leads or is about to.
  bool standby = false;
  MSGPACK_DEFINE_MAP(error, standby)
};

// -- orders: client → server, answered by `accepted` or `refusal` ---------------------------------

/// The order is committed; what becomes of it follows as events numbered above `seq`, for each
/// group until the `rollout.finished` with the number of its rollout.
struct accepted {
  static constexpr std::string_view type = "accepted";
  std::uint64_t seq = 0;
  /// One per group; version 0 for a group that is being undeployed.
  std::vector<group_version> versions;
  MSGPACK_DEFINE_MAP(seq, versions)
};

// -- questions: client → server -------------------------------------------------------------------

/// Which table a `query` is about.
enum class query_subject {
  status,
  instances,
  versions,
  machines,
  ports,
  keys,
  history,
  moves,
  servers
};

template <>
struct enum_text<query_subject> {
  static constexpr std::array<std::string_view, 9> names{
    "status", "instances", "versions", "machines", "ports", "keys", "history", "moves", "servers"};
};

/// Asks for a table; empty `namespace` or `group`: all. Answered by `table` pages.
struct query {
  static constexpr std::string_view type = "query";
  query_subject subject = query_subject::status;
  std::string namespace_;
  std::string group;
  /// How many rows the asker has already.
  std::uint64_t offset = 0;

  MSGPACK_DEFINE_MAP(subject, MSGPACK_NVP("namespace", namespace_), group, offset)
};

/// The answer to `query`: only the list of the asked subject is filled. `more`: ask again with the
/// offset after these rows. The rows are those of the moment of each page.
struct table {
  static constexpr std::string_view type = "table";
  /// The number of the last event that these rows include.
  std::uint64_t seq = 0;
  std::vector<group_row> groups;
  std::vector<instance_row> instances;
  std::vector<version_row> versions;
  std::vector<machine_row> machines;
  std::vector<port_row> ports;
  /// With `ports`, complete in each page.
  std::vector<port_problem_row> problems;
  std::vector<key_row> keys;
  std::vector<history_row> history;
  std::vector<move_row> moves;
  std::vector<server_row> servers;
  bool more = false;
  /// What is wrong with the server itself, in each page, whatever is asked.
  std::vector<machine_trouble> troubles;

  MSGPACK_DEFINE_MAP(seq, groups, instances, versions, machines, ports, problems, keys, history,
                     moves, servers, more, troubles)
};

/// Asks for the stored events with numbers above `seq`, oldest first. Answered by `event_page`.
struct events_after {
  static constexpr std::string_view type = "events_after";
  std::uint64_t seq = 0;
  MSGPACK_DEFINE_MAP(seq)
};

/// `last` is the number of the newest event there is; the client asks on until it has it.
struct event_page {
  static constexpr std::string_view type = "event_page";
  std::vector<event> events;
  std::uint64_t last = 0;
  /// Set for whom the server limits to some namespaces: `events` are all he may see up to this
  /// number, those between are others'.
  std::optional<std::uint64_t> complete_to;
  MSGPACK_DEFINE_MAP(events, last, complete_to)
};

/// Client → server → agent: a piece of an instance's log (see log_line.hpp). Answered by
/// `log_chunk`.
struct read_log {
  static constexpr std::string_view type = "read_log";
  std::string instance;
  /// Where to begin, in bytes of the log since the instance's first start.
  std::optional<std::uint64_t> offset;
  /// Without an offset: begin so many lines before the end.
  std::uint32_t last_lines = 0;
  /// Without an offset: begin with the first line of this time or later, but where `last_lines` is
  /// not 0, no farther than that before the end.
  timestamp since;
  /// Where the log of an instance is that is gone, as `log_chunk` or `found_logs` said.
  std::string machine;
  MSGPACK_DEFINE_MAP(instance, offset, last_lines, since, machine)
};

/// At most 256 KiB of a log, whole lines where they are not longer than that, beginning at `offset`
/// (later than asked for where the old output is gone). `more`: the log went on when it was read.
struct log_chunk {
  static constexpr std::string_view type = "log_chunk";
  std::uint64_t offset = 0;
  std::vector<char> data;
  bool more = false;
  std::string machine;
  /// Set where the instance is gone: its log gets no longer.
  std::optional<kept_log> gone;
  /// Where the log ended when this was read; 0: an agent of an earlier release does not tell.
  std::uint64_t end = 0;
  MSGPACK_DEFINE_MAP(offset, data, more, machine, gone, end)
};

/// Client → server → agents: which logs of instances that are gone are there: of the one of this
/// id, or of all of a group. Answered by `found_logs`.
struct find_logs {
  static constexpr std::string_view type = "find_logs";
  std::string instance;
  std::string namespace_;
  std::string group;
  MSGPACK_DEFINE_MAP(instance, MSGPACK_NVP("namespace", namespace_), group)
};

/// The logs, the newest first. `more`: there are older ones than these. `silent`: machines that
/// could not be asked (to clients only).
struct found_logs {
  static constexpr std::string_view type = "found_logs";
  std::vector<kept_log> logs;
  bool more = false;
  std::vector<std::string> silent;
  MSGPACK_DEFINE_MAP(logs, more, silent)
};

/// Client → server → agents: what the instances of a group use right now; empty names: all.
/// Answered by `measured`.
struct measure {
  static constexpr std::string_view type = "measure";
  std::string namespace_;
  std::string group;
  MSGPACK_DEFINE_MAP(MSGPACK_NVP("namespace", namespace_), group)
};

/// What runs uses that; what does not run is missing. To clients: those that use most of a
/// processor first. `more`: there are others, which use less. `silent`: machines that could not be
/// asked.
struct measured {
  static constexpr std::string_view type = "measured";
  std::vector<instance_usage> usages;
  bool more = false;
  std::vector<std::string> silent;
  MSGPACK_DEFINE_MAP(usages, more, silent)
};

/// Client → server: what an order would do, as things are now. Answered by `build_plan` pages, or
/// refused as the order would be.
struct plan_build {
  static constexpr std::string_view type = "plan_build";
  /// Its `order_id` and `plan_digest` mean nothing.
  submit_build order;
  /// How many changes the asker has already.
  std::uint64_t offset = 0;
  MSGPACK_DEFINE_MAP(order, offset)
};

/// What the order would do where all goes well. `groups` and `differences` are complete in each
/// page. `more`: ask again with the offset after these changes; where the digest is another one
/// then, from the beginning.
struct build_plan {
  static constexpr std::string_view type = "build_plan";
  /// Of all that is to happen: with it in `submit_build` the order does this or nothing.
  std::string digest;
  std::vector<planned_group> groups;
  std::vector<planned_change> changes;
  std::vector<planned_difference> differences;
  bool more = false;
  MSGPACK_DEFINE_MAP(digest, groups, changes, differences, more)
};

// -- desired state and observations: server ↔ agent -----------------------------------------------

/// Server → agent: what should be on the machine, as the difference to an assignment the agent
/// holds. `base` 0: difference to nothing, so `put` is everything. Too large for one message: sent
/// in `parts`, numbered from 0; nothing is done before all parts of the generation are there. Sent
/// again until `assigned` confirms it.
struct assignment {
  static constexpr std::string_view type = "assignment";
  std::uint64_t base = 0;
  std::uint64_t generation = 0;
  /// `digest_of` the whole set that results, for the agent to check.
  std::uint64_t digest = 0;
  std::uint32_t part = 0;
  std::uint32_t parts = 1;
  std::vector<instance_spec> put;
  std::vector<std::string> removed;
  MSGPACK_DEFINE_MAP(base, generation, digest, part, parts, put, removed)
};

/// Agent → server: the assignment it holds, kept on disk. The answer to `assignment`, also when it
/// could not be applied (another base, another digest): the server then sends what fits.
struct assigned {
  static constexpr std::string_view type = "assigned";
  std::uint64_t generation = 0;
  std::uint64_t digest = 0;
  MSGPACK_DEFINE_MAP(generation, digest)
};

/// Agent → server: what it observes. Sent again, with what has changed since, until `reported`
/// confirms its revision. `full`: instances not mentioned do not exist on the machine.
struct report {
  static constexpr std::string_view type = "report";
  /// Counts up within the agent's incarnation.
  std::uint64_t revision = 0;
  bool full = false;
  std::vector<observation> seen;
  /// Last observations of instances that are gone: nothing of them is left on the machine.
  std::vector<observation> gone;
  /// The machine's public ports, where they changed since the last confirmed report or the session
  /// is new.
  std::optional<public_ports> ports;
  /// All that is wrong with the machine, where that changed since the last confirmed report or the
  /// session is new.
  std::optional<std::vector<machine_trouble>> troubles;
  MSGPACK_DEFINE_MAP(revision, full, seen, gone, ports, troubles)
};

/// Server → agent: the report of this revision is committed.
struct reported {
  static constexpr std::string_view type = "reported";
  std::uint64_t revision = 0;
  MSGPACK_DEFINE_MAP(revision)
};

// -- published ------------------------------------------------------------------------------------

/// Server → watchers: events in the order of their numbers.
struct events {
  static constexpr std::string_view type = "events";
  std::vector<event> list;
  MSGPACK_DEFINE_MAP(list)
};

/// Server → watchers, every second: the number of the last event, to reveal a lost one.
struct last_event {
  static constexpr std::string_view type = "last_event";
  std::uint64_t seq = 0;
  MSGPACK_DEFINE_MAP(seq)
};

/// Agent → server over PUB/SUB, may be lost: events without number.
struct progress {
  static constexpr std::string_view type = "progress";
  std::vector<event> list;
  MSGPACK_DEFINE_MAP(list)
};

/// What asks the server to change something.
using order
  = std::variant<submit_build, roll_to_version, undeploy, stop_group, start_group, restart_group,
                 add_key, revoke_key, promote_rollout, abort_rollout, pause_rollout, resume_rollout,
                 drain_machine, undrain_machine, forget_machine, redistribute_farm>;

/// What asks the server, and changes nothing.
using question = std::variant<query, events_after, read_log, find_logs, measure, plan_build>;

/// What belongs to neither.
using other_message
  = std::variant<hello, welcome, heartbeat, unknown_peer, refusal, accepted, table, event_page,
                 log_chunk, found_logs, measured, build_plan, assignment, assigned, report,
                 reported, events, last_event, progress, offer_strategy, offered, place, placed>;

/// A variant with the alternatives of several.
template <class... Variants>
struct joined_variant;

template <class... A, class... B, class... C>
struct joined_variant<std::variant<A...>, std::variant<B...>, std::variant<C...>> {
  using type = std::variant<A..., B..., C...>;
};

using message = joined_variant<other_message, order, question>::type;

/// The message as one of the alternatives of `Part`, such as `order`; nothing where it is another.
template <class Part>
std::optional<Part> narrowed(const message& m) {
  return std::visit(
    [](const auto& body) -> std::optional<Part> {
      if constexpr (std::is_constructible_v<
                      Part, std::in_place_type_t<std::decay_t<decltype(body)>>, decltype(body)>)
        return Part{std::in_place_type<std::decay_t<decltype(body)>>, body};
      else
        return std::nullopt;
    },
    m);
}

/// A message with what every message carries.
struct envelope {
  /// Chosen by the asker, repeated in the answer; 0 where no answer is expected.
  std::uint64_t id = 0;
  /// The server's epoch in its messages, the highest seen in those to it.
  std::uint64_t epoch = 0;
  message body;
};

} // namespace deployminator::messages
