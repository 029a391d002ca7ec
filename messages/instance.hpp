#pragma once

#include "messages/application.hpp"
#include "messages/enum_text.hpp"
#include "messages/timestamp.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace deployminator::messages {

/// Where an instance is in its life.
enum class instance_state {
  /// Known, but nothing of it runs: before its fetch, and after it while it waits to be started.
  preparing,
  /// Its artifact is on its way.
  downloading,
  /// Being unpacked and launched.
  starting,
  /// Its program runs, not yet proven or found unhealthy since.
  running,
  /// Proven: alive, and healthy where its application has a health check, for `min_ready`.
  ready,
  /// Asked to end; soon killed.
  stopping,
  /// Its program ended and is not to run again (a job that is done).
  stopped,
  /// It cannot run now: `reason` says why. Restarted after a back-off where the rules say so.
  failed,
  /// Its machine is out of reach. Only the server says this.
  lost,
};

template <>
struct enum_text<instance_state> {
  static constexpr std::array<std::string_view, 9> names{"preparing", "downloading", "starting",
                                                         "running",   "ready",       "stopping",
                                                         "stopped",   "failed",      "lost"};
};

/// What the server wants of an instance.
enum class instance_goal {
  /// Its artifact is to be fetched and unpacked; nothing is started.
  fetch,
  /// It is to run.
  run,
  /// It is to be gone. Never sent: such an instance is missing from the assignment.
  stop,
};

template <>
struct enum_text<instance_goal> {
  static constexpr std::array<std::string_view, 3> names{"fetch", "run", "stop"};
};

/// One entry of an assignment: an instance that should be on the machine.
struct instance_spec {
  /// Chosen once by the server, `[a-z0-9-]`, at most 40 characters. Everything the agent creates
  /// for the instance is named by it.
  std::string id;
  std::string namespace_;
  std::string group;
  std::uint64_t version = 0;
  std::uint64_t build = 0;
  instance_goal goal = instance_goal::fetch;
  /// Grows with every change of this entry; with the id it names the entry's content, which is what
  /// `digest_of` an assignment covers.
  std::uint64_t revision = 0;
  program app;

  bool operator==(const instance_spec&) const = default;
  MSGPACK_DEFINE_MAP(id, MSGPACK_NVP("namespace", namespace_), group, version, build, goal,
                     revision, app)
};

/// How the reason of an observation begins where it is what the program says of itself (STATUS= of
/// sd_notify's protocol): worth showing also where the instance is ready.
inline constexpr std::string_view status_begin = "says: ";

/// How many of an instance's restarts are told with their times, the newest.
inline constexpr std::size_t timed_restarts = 3;

/// What an agent sees of one instance. Says what is, never what was asked.
struct observation {
  std::string id;
  instance_state state = instance_state::preparing;
  /// The artifact is in the cache and unpacked; the instance could start at once.
  bool fetched = false;
  /// Lower-case hex of the artifact's bytes, once known.
  std::string sha256;
  /// The program itself, not its starter; 0 while there is none.
  std::int64_t pid = 0;
  std::int64_t uid = 0;
  std::vector<std::uint16_t> ports;
  std::uint32_t restarts = 0;
  timestamp started_at;
  /// When it first was ready; unset: never yet.
  timestamp ready_at;
  /// How the program last ended: its exit code, or 128 + the signal's number.
  std::optional<int> exit;
  /// Why it is in this state, one sentence for people.
  std::string reason;
  /// The last lines of its output, when it failed; at most 4 KiB.
  std::string output;
  /// It does not get on. While it is `downloading`: nothing of its artifact moves, less than 1
  /// KiB/s over a minute. While it is `stopping`: nothing of it runs any more, and its machine
  /// cannot write that down, or cannot remove its files.
  bool stuck = false;
  /// The newest of its restarts, at most `timed_restarts`, in order.
  std::vector<timestamp> restarted_at;

  bool operator==(const observation&) const = default;
  MSGPACK_DEFINE_MAP(id, state, fetched, sha256, pid, uid, ports, restarts, started_at, ready_at,
                     exit, reason, output, stuck, restarted_at)
};

} // namespace deployminator::messages
