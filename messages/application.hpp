#pragma once

#include "messages/duration.hpp"
#include "messages/enum_text.hpp"

#include <cstdint>
#include <limits>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace deployminator::messages {

/// How many instances of a rollout may be between "told to start" and "ready" at once: a count, or
/// a percentage of the application's instances (rounded up, at least one).
struct parallelism {
  std::uint32_t value = 25;
  bool percent = true;

  bool operator==(const parallelism&) const = default;
  MSGPACK_DEFINE_MAP(value, percent)
};

/// Which goes first where an instance takes another's place.
enum class rollout_order {
  /// The new one starts beside the old one, which stops when all new ones are ready.
  start_first,
  /// The old one stops to make room for the new one, `parallel` at a time.
  stop_first,
};

template <>
struct enum_text<rollout_order> {
  static constexpr std::array<std::string_view, 2> names{"start-first", "stop-first"};
};

/// How an application moves from one version to the next.
struct rollout_rules {
  parallelism parallel;
  /// An instance that is not ready this long after it was told to start fails the rollout, and so
  /// does one whose fetch has not moved for so long.
  duration deadline{300'000};
  /// One that has not fetched after so long does as well, whatever moves; unset: it may take as
  /// long as it moves.
  std::optional<duration> fetch_deadline;
  rollout_order order = rollout_order::start_first;
  /// So many new instances start and prove themselves, and the rest waits for a person's `promote`;
  /// 0: nobody is asked.
  std::uint32_t canary = 0;
  /// False: an instance that made its version fail is left where it is, for looking at.
  bool auto_revert = true;

  bool operator==(const rollout_rules&) const = default;
  MSGPACK_DEFINE_MAP(parallel, deadline, fetch_deadline, order, canary, auto_revert)
};

/// When an instance that ended is started again.
enum class restart_policy { always, on_failure, never };

template <>
struct enum_text<restart_policy> {
  static constexpr std::array<std::string_view, 3> names{"always", "on-failure", "never"};
};

/// The waits between restarts double from `backoff_min` to `backoff_max`; `give_up_count` exits
/// within `give_up_window` end the attempts (0: never give up).
struct restart_rules {
  restart_policy policy = restart_policy::always;
  duration backoff_min{1'000};
  duration backoff_max{60'000};
  std::uint32_t give_up_count = 0;
  duration give_up_window{600'000};

  bool operator==(const restart_rules&) const = default;
  MSGPACK_DEFINE_MAP(policy, backoff_min, backoff_max, give_up_count, give_up_window)
};

/// Which processes of an instance that is to end get the signal.
enum class stop_target {
  /// The program itself; what is left when that has ended gets it then.
  main,
  /// All at once.
  all,
};

template <>
struct enum_text<stop_target> {
  static constexpr std::array<std::string_view, 2> names{"main", "all"};
};

/// How an instance is asked to end before all of it is killed.
struct stop_rules {
  /// The signal's number, SIGTERM by default.
  int signal = 15;
  /// For all its processes together, from the signal on.
  duration timeout{10'000};
  stop_target to = stop_target::main;

  bool operator==(const stop_rules&) const = default;
  MSGPACK_DEFINE_MAP(signal, timeout, to)
};

/// How it is found out whether an instance serves.
enum class health_kind {
  /// Not at all: who is alive serves.
  none,
  /// GET `path` of its port `port` is answered with 2xx.
  http,
  /// Its port `port` takes connections.
  tcp,
  /// It says so itself, by sd_notify's protocol.
  notify,
  /// `exec` ends with 0.
  exec,
};

template <>
struct enum_text<health_kind> {
  static constexpr std::array<std::string_view, 5> names{"none", "http", "tcp", "notify", "exec"};
};

/// When an instance counts as healthy.
struct health_rules {
  health_kind kind = health_kind::none;
  std::string path;
  /// n of `${PORTn}`.
  std::uint32_t port = 0;
  /// A program of the artifact or of the machine, and its arguments, in which variables are
  /// replaced as in those of the application.
  std::vector<std::string> exec;
  /// From the beginning of one check to that of the next.
  duration interval{2'000};
  /// A check that takes longer has failed.
  duration timeout{1'000};
  /// So many checks in a row that failed make an instance unhealthy that was ready.
  std::uint32_t failures = 3;
  /// With `notify`: it is unhealthy when it says nothing for so long; 0: it need not.
  duration watchdog{0};
  /// One that was not healthy once within this time of its start is restarted as an unhealthy one:
  /// `rollout.deadline` in deploy.yaml; 0: never.
  duration start_within{0};

  bool operator==(const health_rules&) const = default;
  MSGPACK_DEFINE_MAP(kind, path, port, exec, interval, timeout, failures, watchdog, start_within)
};

/// As a limit: none.
inline constexpr std::uint64_t unlimited = std::numeric_limits<std::uint64_t>::max();

/// What an instance may use; megabytes are units of 1024 * 1024 bytes. Unset is what is usual,
/// which is no limit but where something else is said.
struct resource_limits {
  /// What placement promises it.
  std::uint64_t max_memory_mb = 3000;
  /// The nice value, -20 to 19.
  int priority = 0;
  /// `max_memory_mb` is RLIMIT_AS as well. Whoever does not say so (an older server) means it.
  bool bounds_address_space = true;
  /// Of real memory. Unset, where the address space is not bounded either: `max_memory_mb`.
  std::optional<std::uint64_t> max_kill_memory_mb;
  std::optional<std::uint64_t> max_swap_memory_mb;
  /// Of the time of one processor.
  std::optional<std::uint64_t> cpu_percent;
  /// And threads.
  std::optional<std::uint64_t> processes;
  /// Of each process. Unset: what programs are given usually.
  std::optional<std::uint64_t> open_files;
  /// Of a core dump. Unset: 0.
  std::optional<std::uint64_t> core_size_mb;

  bool operator==(const resource_limits&) const = default;
  MSGPACK_DEFINE_MAP(max_memory_mb, priority, bounds_address_space, max_kill_memory_mb,
                     max_swap_memory_mb, cpu_percent, processes, open_files, core_size_mb)
};

/// How much real memory an instance may use, in megabytes; unset: any amount.
std::optional<std::uint64_t> real_memory_mb(const resource_limits& limits);

/// A name under which one of an instance's ports is announced; an entry of `autoregs`.
struct service {
  std::string name;
  /// 1 for `${PORT1}`.
  std::uint32_t port_index = 0;
  std::vector<std::string> types;

  bool operator==(const service&) const = default;
  MSGPACK_DEFINE_MAP(name, port_index, types)
};

/// What an application is.
enum class deploy_type {
  /// A program that runs.
  program,
  /// Files that the machine's web server serves from a directory that deploy.yaml names.
  static_files,
  /// The same, from a directory that the machine names after the application.
  web_package,
};

template <>
struct enum_text<deploy_type> {
  static constexpr std::array<std::string_view, 3> names{"program", "staticfiles", "webpackage"};
};

/// What an agent needs of an application to fetch it, run it and keep it running.
struct program {
  /// The application's identity within the group: `name` in deploy.yaml, else the binary.
  std::string name;
  std::string repository;
  /// `http`, `https` or `file` URL or an absolute file name; `${BUILDID}` is replaced already in a
  /// version, not in what the reader yields.
  std::string download_url;
  std::string download_user;
  std::string download_password;
  /// A bearer token instead of these.
  std::string download_token;
  /// Path inside the archive, or the file name to give a plain binary. With an interpreter it may
  /// be empty for an archive.
  std::string binary;
  /// A program of the machine that runs the binary, by its name or its absolute path, and its own
  /// arguments; the binary and `args` follow. Empty: the binary is a program itself.
  std::vector<std::string> interpreter;
  /// `${PORTn}`, `${MACHINE}`, `${HOSTNAME}` and `${DATA}` are replaced by the agent, here and in
  /// `env`.
  std::vector<std::string> args;
  std::map<std::string, std::string> env;
  /// False: a job that runs once; exit code 0 is its normal end.
  bool always_on = true;
  bool discard_log = false;
  resource_limits limits;
  /// Ready means: alive, and healthy where `health` asks for it, for this long;
  /// `rollout.min_ready` in deploy.yaml.
  duration min_ready{5'000};
  restart_rules restart;
  stop_rules stop;
  std::vector<service> services;
  /// Lower-case hex of the artifact; empty until given or pinned by the first fetch.
  std::string sha256;
  /// The name of a directory of the application on each machine, which stays when its instances go;
  /// empty: it has none.
  std::string data;
  /// The binary is a main class, run by the machine's `java` with every jar of the artifact.
  bool java = false;
  health_rules health;
  deploy_type type = deploy_type::program;
  /// Of static files: the absolute path on the machine under which they are found.
  std::string static_target_dir;
  /// Its machine starts it before those that are not.
  bool critical = false;

  bool operator==(const program&) const = default;
  MSGPACK_DEFINE_MAP(name, repository, download_url, download_user, download_password,
                     download_token, binary, interpreter, args, env, always_on, discard_log, limits,
                     min_ready, restart, stop, services, sha256, data, health, java, type,
                     static_target_dir, critical)
};

/// Whether its instances are files that are published, and no process runs.
inline bool is_published(const program& app) {
  return app.type != deploy_type::program;
}

/// Instances on silent machines are left to people.
inline constexpr duration never_replaced{-1};

/// One application of a group, as deploy.yaml defines it with every default filled in: the program,
/// and what the server needs to place it and roll it out. Immutable once it is part of a version.
struct application : program {
  /// Its row in the table `appdef`; 0 until it is stored.
  std::uint64_t id = 0;
  std::string artifact_id;
  std::uint32_t instances = 1;
  /// `instances` counts for each machine of the machine groups instead of for all together.
  bool per_machine = false;
  /// At most so many of them on one machine; 0: any number.
  std::uint32_t max_per_machine = 0;
  /// Machine groups, at least one.
  std::vector<std::string> machine_groups{"worker"};
  std::string strategy = "spread";
  rollout_rules rollout;
  /// Its instances on a machine that is silent for so long are placed elsewhere; unset: after what
  /// is usual on the farm; `never_replaced`: they wait for it.
  std::optional<duration> replace_after;
  /// A job: a rollback to a version of it runs it again.
  bool rerun = false;

  bool operator==(const application&) const = default;
  // One flat map with the program's keys.
  MSGPACK_DEFINE_MAP(id, name, repository, artifact_id, download_url, download_user,
                     download_password, download_token, binary, interpreter, args, env, instances,
                     per_machine, max_per_machine, machine_groups, strategy, always_on, discard_log,
                     limits, min_ready, rollout, restart, stop, services, sha256, data,
                     replace_after, health, java, rerun, type, static_target_dir, critical)
};

/// Whether the URL names an archive (by its ending: `.tar`, `.tar.*`, `.tgz`, `.tbz2`, `.txz`,
/// `.zip`). A query or fragment does not count. What an artifact is, its content says.
bool is_archive(const std::string& download_url);

/// The number of ports an instance gets: the highest n in `${PORTn}` of its args, its
/// environment, its health check and its services.
std::uint32_t port_count(const program& app);

/// `text` with every `${NAME}` of this name replaced by the value.
std::string with_variable(const std::string& text, std::string_view name, std::string_view value);

/// `text` with every `${PORTn}` replaced by `ports[n-1]`; other text stays.
std::string with_ports(const std::string& text, const std::vector<std::uint16_t>& ports);

} // namespace deployminator::messages
