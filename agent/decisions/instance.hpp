#pragma once

#include "agent/decisions/health.hpp"
#include "agent/decisions/restart.hpp"
#include "agent/outside.hpp"

#include <chrono>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <variant>
#include <vector>

namespace deployminator::agent {

using spec_ptr = std::shared_ptr<const messages::instance_spec>;

/// By instance id.
using spec_map = std::map<std::string, spec_ptr>;

/// Now, on both clocks: waits go by the steady one, stamps by UTC.
struct moment {
  std::chrono::steady_clock::time_point steady;
  messages::timestamp utc;
};

// -- where an instance is -------------------------------------------------------------------------

/// What the agent is doing about an instance. `messages::instance_state` is what others see of it.
///
///                    failure ┌─────────┐ back-off
///            ┌──────────────►│ resting │◄─────────────────┐ (unhealthy: by
///            │               └────┬────┘                  │ `stopping`) to be restarted
///   ┌──────────┐   ┌───────────┐  │ to the next step      │
///   │ fetching ├──►│ reserving │◄─┤                 ┌─────┴────┐  finished, given up
///   └──────────┘   └─┬───────┬─┘  ▼                 │    up    ├───────────────┐
///      ▲             ▼       │ ┌───────────┐        └─────┬────┘               │
///      │     ┌───────────┐   └►│ launching ├──started──►──┤ order             ▼
///      │     │ unpacking ├┐    └───────────┘              ▼               ┌──────────┐
///   ┌──┴───────┐ ────────┘│      ▲ goal run         ┌──────────┐ ended,   │ clearing │
///   │discarding│          ▼      │                  │ stopping ├─────────►└─┬──────┬─┘
///   └──────────┘◄───── waiting ──┘                  └──────────┘ too slow   ▼      ▼ goal stop
///           other hash                                                    ended  removing →
///           removed
///
/// Goal `stop` leads from every phase by way of `clearing` and `removing` to `removed`.
enum class instance_phase {
  /// Nothing was decided yet.
  idle,
  /// The FETCHER was asked for the artifact.
  fetching,
  /// User and ports are being reserved.
  reserving,
  /// The artifact is being laid out as the instance's directory.
  unpacking,
  /// Fetched and unpacked; the goal does not ask for more.
  waiting,
  /// `launch` was called, `started` or `not_started` follows.
  launching,
  /// The program runs.
  up,
  /// The program was asked to end; it and what it started have `stop.timeout` to do so.
  stopping,
  /// `kill_all` was called, `gone` follows.
  clearing,
  /// Something failed; the next attempt comes after the back-off.
  resting,
  /// The program finished or was given up; it is not started again.
  ended,
  /// The directory holds other bytes than the version asks for by now; it is removed and fetched
  /// anew.
  discarding,
  /// Directory, output and grant are being removed.
  removing,
  /// Nothing of it is left. Nothing follows.
  removed,
};

/// Everything about one instance that decisions need. A plain value.
struct instance_life {
  /// The newest order; its goal is `stop` once the instance is to be gone, and stays so.
  spec_ptr spec;
  /// The machine's name.
  std::string machine;
  instance_phase phase = instance_phase::idle;
  messages::observation seen;
  /// Where the artifact lies in the cache, once fetched by this process.
  std::string artifact_path;
  /// It was in the cache, and nothing was fetched.
  bool from_cache = false;
  /// This process saw the directory whole, and its grant was not freed since.
  bool unpacked = false;
  /// The program was started at least once, so its next start is a restart.
  bool started_before = false;
  /// It finished or was given up.
  bool over = false;
  bool gave_up = false;
  /// Why it has other ports than in its last run; empty: it has the same.
  std::string exchanged_port;
  /// Preparations (fetch, reserve, unpack) that failed since one worked.
  std::uint32_t failed_preparations = 0;
  exit_count exits;
  /// The start of the last run whose end `exits` knows of.
  messages::timestamp ended_run;
  /// It was killed, for it did not end in time when it was told to.
  bool was_too_slow = false;
  /// The number of the timer that counts; older ones are stale.
  std::uint64_t timer = 0;
  health_watch health;
  /// While it is `stopping` to be restarted: why; else empty.
  std::string restart_reason;
  /// The start of the last run that was ready.
  messages::timestamp ready_run;
  /// Its starter listens for what the program tells of itself.
  bool can_notify = true;
  /// What the program had told when this agent found it.
  std::optional<notice> found_notice;
};

// -- what happens to it ---------------------------------------------------------------------------

/// The actor took it over, with what an earlier agent left of it.
struct begun {
  std::optional<found_instance> found;
  std::optional<instance_record> record;
  /// The last lines it printed, where it ended meanwhile.
  std::string output;
};

/// The server changed its mind about it.
struct ordered {
  spec_ptr spec;
};

struct fetch_ended {
  messages::result<artifact> outcome;
};

/// How its fetch gets on.
struct fetch_note {
  /// Why it does not get on, for people; empty: it does.
  std::string reason;
  /// Nothing of it moves: `messages::observation::stuck`.
  bool stuck = false;

  bool operator==(const fetch_note&) const = default;
};

struct reserve_ended {
  messages::result<grant> outcome;
};

struct unpack_ended {
  messages::result<void> outcome;
};

struct remove_ended {
  messages::result<void> outcome;
};

/// The launcher has news of its processes; `output` are the last lines, where the program exited.
struct process_changed {
  process_event event;
  std::string output;
};

struct timer_fired {
  std::uint64_t number = 0;
};

/// Something changed that it may have waited for: `what`, in words.
struct world_changed {
  std::string what;
};

/// The next check is due.
struct check_due {
  std::uint64_t number = 0;
};

/// A check has ended.
struct check_ended {
  std::uint64_t number = 0;
  bool healthy = false;
  std::string seen;
};

using instance_event
  = std::variant<begun, ordered, fetch_ended, fetch_note, reserve_ended, unpack_ended, remove_ended,
                 process_changed, timer_fired, world_changed, check_due, check_ended>;

// -- what is done about it ------------------------------------------------------------------------

struct fetch_artifact {};
struct cancel_fetch {};

struct reserve_grant {
  std::uint32_t ports = 0;
  bool own_user = true;
};

struct stop_processes {
  messages::stop_rules rules;
};

struct kill_everything {};
struct remove_files {};

struct start_timer {
  std::uint64_t number = 0;
  std::chrono::milliseconds after{0};
};

/// `check_due` follows.
struct start_check_timer {
  std::uint64_t number = 0;
  std::chrono::milliseconds after{0};
};

/// `check_ended` follows.
struct ask_health {
  std::uint64_t number = 0;
  health_order order;
};

/// Nothing of it is left; the actor ends.
struct forget {};

using instance_action = std::variant<fetch_artifact, cancel_fetch, reserve_grant, unpack_order,
                                     launch_order, stop_processes, kill_everything, remove_files,
                                     start_timer, start_check_timer, ask_health, forget>;

/// What follows from an event: changes `life` and says what to do, in this order. An event that
/// makes no sense in the present phase (late, repeated) changes nothing.
std::vector<instance_action> advance(instance_life& life, const instance_event& event,
                                     const moment& now);

/// How it ended, once nothing of it runs: `exited with code 3`.
std::string end_text(const instance_life& life);

/// What must survive the agent of it.
instance_record record_of(const instance_life& life);

} // namespace deployminator::agent
