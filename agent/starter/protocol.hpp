#pragma once

#include <cstddef>
#include <cstdint>

/// What an agent and a starter say to each other. They need not be of the same release: a starter
/// lives as long as its instance and meets every agent that is installed meanwhile. So nothing here
/// is changed, only added behind what is there, with a new `magic` where that does not do.
///
/// The starter says what is in `DIR/state`, one `state` and behind it one `told`, which it
/// overwrites in place (no disk is ever too full for that) and whose writing the agent sees by
/// inotify. While it lives, the byte `alive_byte` of `DIR/lock` is locked by an open file
/// description that it inherited, and from its first `state` on also `pid_byte`, by a POSIX lock
/// that tells its process id to F_GETLK.
///
/// The agent orders by real-time signals with a value (sigqueue), which the kernel keeps in order
/// and which a starter that is busy does not miss.
namespace deployminator::agent::starter {

inline constexpr char state_name[] = "state";
inline constexpr char lock_name[] = "lock";
/// The socket at which the program tells of itself, where it is asked to.
inline constexpr char notify_name[] = "notify";
inline constexpr int alive_byte = 0;
inline constexpr int pid_byte = 1;

/// In the environment of a starter whose instance has data, as `OWNER:PATH`: who owns it on disk,
/// and where it is. The program does not get it. A starter that is older than this mounts nothing.
inline constexpr char data_variable[] = "DEPLOY_DATA";

/// In the environment of a starter whose program is to tell of itself by sd_notify's protocol: how
/// often it has to, in microseconds; 0: it need not. The program gets NOTIFY_SOCKET and, where it
/// has to, WATCHDOG_USEC instead. A starter that is older than this does not listen.
inline constexpr char notify_variable[] = "DEPLOY_NOTIFY";

/// Start the program as run number `value`; ignored unless that is the next number and none runs,
/// so that the same order twice starts one program.
inline constexpr int start_order = 40;
/// Send a signal to the program and its process group: `value` is what `signal_value` makes. When
/// the program ends what it leaves is killed. Agents that know `stop_order` use that.
inline constexpr int signal_order = 41;
/// Kill everything the program ever started, and end.
inline constexpr int end_order = 42;
/// Write the state again, and make `state` and `lock` anew in `DIR` where they are gone. A starter
/// that is older than this order does nothing.
inline constexpr int restore_order = 43;

/// How long a stop that is ordered after this may take, `value` milliseconds, before all is killed.
/// The first one in a run of the program counts.
inline constexpr int within_order = 44;
/// Stop the program: `value`, as `signal_value` makes it, is the signal that it gets alone, and
/// then, once, everything that it leaves. It counts as running until nothing of it is left. The
/// same order again changes nothing.
inline constexpr int stop_order = 45;
/// Stop the program, with a signal that all processes of the instance get at once.
inline constexpr int stop_all_order = 46;

/// The last of the orders above.
inline constexpr int newest_order = stop_all_order;

/// A signal for one run of the program and no other.
constexpr int signal_value(std::uint32_t run, int signal) {
  return static_cast<int>((run & 0xffffffU) << 7) | (signal & 0x7f);
}

/// Where the starter is with its program.
enum class phase : std::uint32_t {
  /// Between the decision to start the program and its exec.
  starting = 1,
  running,
  /// The program ended: `exit`.
  exited,
  /// The program could not be started: `problem` and `error`.
  not_started,
  /// Nothing of the instance runs any more; the starter is about to end itself.
  gone,
};

/// What failed when a program was not started.
enum class problem : std::uint32_t {
  none,
  fork,
  output,
  limits,
  user,
  home,
  exec,
  /// Nothing: the program ran, and the starter killed it, for it was told to end. A starter that is
  /// older than this says `none`.
  killed,
  /// The directory of its data could not be mounted.
  data,
  /// It could not be given a view of its own of the machine's files.
  view,
  /// Nothing: the program ran, and the starter killed it, for it was told to stop and did not do so
  /// in time.
  too_slow,
  /// Nothing: the program ran and ended when it was told to stop, and what it left did not do so in
  /// time.
  rest_too_slow,
  /// The socket at which it is to tell of itself could not be made.
  notify,
};

inline constexpr std::size_t most_ports = 256;

/// The content of `DIR/state`.
struct state {
  char magic[8] = {'s', 't', 'a', 'r', 't', 'e', 'r', '1'};
  /// Counts the starts of the program by this starter, from 1.
  std::uint32_t run = 0;
  phase what = phase::starting;
  /// The program's, in this run.
  std::int64_t pid = 0;
  /// UTC, in microseconds since 1970.
  std::int64_t started_at = 0;
  /// Exit code, or 128 + signal number.
  std::int32_t exit = 0;
  /// Of a program that was not started, or was `killed`.
  problem failed = problem::none;
  /// An errno.
  std::int32_t error = 0;
  std::uint32_t port_count = 0;
  /// The user that the program runs as; -1: the starter's own.
  std::int64_t uid = -1;
  std::uint16_t ports[most_ports] = {};
  /// FNV-1a of all bytes before it: a state that is read while it is written does not match.
  std::uint64_t checksum = 0;
  /// The newest order that this starter knows; never changes. 0, for there is nothing behind the
  /// checksum: none of `within_order` and those behind it.
  std::int32_t knows = 0;
  std::int32_t unused = 0;
};

/// The size of the first states.
inline constexpr std::size_t least_state = offsetof(state, checksum) + sizeof(state::checksum);

/// Something was killed, for it did not end in time when it was told to stop.
inline bool was_too_slow(const state& s) {
  return s.failed == problem::too_slow || s.failed == problem::rest_too_slow;
}

/// What the program told of itself, behind the `state`; a starter that is older than this writes
/// none, an agent that is older does not read it.
struct told {
  /// In this run of the program.
  std::uint32_t run = 0;
  /// It was asked to, and is heard. 0 or 1, as are the next two.
  std::uint32_t listens = 0;
  /// READY=1, and STOPPING=1 since.
  std::uint32_t is_ready = 0;
  std::uint32_t is_stopping = 0;
  /// When it said READY=1 or WATCHDOG=1 last: UTC, in microseconds since 1970.
  std::int64_t sign_at = 0;
  /// The first bytes of its last STATUS=.
  std::uint32_t status_size = 0;
  char status[204] = {};
  /// As that of `state`.
  std::uint64_t checksum = 0;
};

/// Of everything before the checksum.
template <class Content>
std::uint64_t checksum_of(const Content& content) {
  const auto* bytes = reinterpret_cast<const unsigned char*>(&content);
  std::uint64_t hash = 14695981039346656037U;
  for (std::size_t i = 0; i < offsetof(Content, checksum); ++i)
    hash = (hash ^ bytes[i]) * 1099511628211U;
  return hash;
}

} // namespace deployminator::agent::starter
