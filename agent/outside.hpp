#pragma once

#include "agent/decisions/control_group.hpp"
#include "agent/instance_orders.hpp"
#include "messages/access_key.hpp"
#include "messages/instance.hpp"
#include "messages/kept_log.hpp"
#include "messages/machine_trouble.hpp"
#include "messages/public_ports.hpp"
#include "messages/result.hpp"
#include "messages/timestamp.hpp"
#include "messages/wire.hpp"

#include <chrono>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

/// Everything the agent's actors need of the machine. What takes time is started here and answered
/// through a callback, on another thread or before the call returns; the actors pass callbacks that
/// only send a message. agent/linux/ has the real ones.
namespace deployminator::agent {

// -- downloads ------------------------------------------------------------------------------------

/// An artifact to be had.
struct download_order {
  /// Names the partial file: two orders with the same key want the same bytes. `[a-z0-9-]`.
  std::string key;
  /// http, https or file URL, or an absolute file name.
  std::string url;
  std::string user;
  std::string password;
  /// What the bytes must hash to; empty: whatever they are.
  std::string sha256;
  /// A bearer token instead of user and password.
  std::string token;
};

struct download_progress {
  std::uint64_t bytes = 0;
  std::optional<std::uint64_t> total;
  double bytes_per_second = 0;
  /// Why nothing comes: how the last attempt ended, while none has brought anything since.
  std::string problem;
};

/// A file in the cache, named by its hash.
struct artifact {
  std::string sha256;
  std::uint64_t size = 0;
  std::string path;
  /// It was there, and no byte of it was fetched.
  bool cached = false;
};

/// Fetches artifacts into the content-addressed cache.
class downloader {
public:
  virtual ~downloader() = default;

  using on_progress = std::function<void(download_progress)>;
  using on_done = std::function<void(messages::result<artifact>)>;

  /// Starts one transfer; `done` is called exactly once. A cached artifact of that sha256 is done
  /// at once. A partial file of the same key is resumed. What broke off, stalled or was refused for
  /// now is tried again until it is cancelled, and `progress` says why; what a retry cannot mend
  /// (404, wrong hash) fails with one sentence that names the URL (without what is secret in it).
  virtual void start(const download_order& order, on_progress progress, on_done done) = 0;

  /// Ends a transfer; its `done` says so. The partial file stays for the next attempt where its key
  /// is one of those to be kept, or none were named yet.
  virtual void cancel(const std::string& key) = 0;

  /// The keys whose partial files may be wanted again: all others are removed, now or when their
  /// transfer ends.
  virtual void keep_partial(std::set<std::string> keys) = 0;
};

// -- instances ------------------------------------------------------------------------------------

/// What the machine grants an instance for its life: numbers that no other instance on this host
/// has, whichever agent started it.
struct grant {
  /// The operating-system user it runs as.
  std::int64_t uid = 0;
  std::vector<std::uint16_t> ports;
  /// The first of the ports that a foreign process has taken while nothing of the instance ran; 0:
  /// none. Once `kill_all` has given the grant up, the next one has other ports.
  std::uint16_t taken = 0;
};

/// What a program told of itself by sd_notify's protocol, in its present run.
struct notice {
  /// It said READY=1.
  bool ready = false;
  /// It said STOPPING=1 since.
  bool stopping = false;
  /// When it said READY=1 or WATCHDOG=1 last, to a tenth of a second.
  messages::timestamp sign_at;
  /// Of its last STATUS=: at most 200 bytes, as they came.
  std::string status;

  bool operator==(const notice&) const = default;
};

/// What became of an instance's processes.
struct process_event {
  enum class kind {
    /// The program runs: `pid`, `started_at`.
    started,
    /// It could not be started: `problem`.
    not_started,
    /// The program ended: `exit`, or nothing where its starter was told to end and killed it. Its
    /// grant is held on for its next start.
    exited,
    /// Nothing of the instance runs any more and its grant is free: the answer to `kill_all`, or
    /// the starter itself was killed.
    gone,
    /// The program goes on and has hit limits: `hits`.
    limited,
    /// The program that runs told something of itself: `said`.
    told,
  };
  std::string id;
  kind what = kind::gone;
  std::int64_t pid = 0;
  messages::timestamp started_at;
  /// Exit code, or 128 + signal number.
  std::optional<int> exit;
  std::string problem;
  /// With `started`: what people should know of this run; mostly nothing.
  std::string remark;
  /// With `exited` and `limited`: what it has hit since that was told last.
  limit_hits hits;
  /// With `exited`: something was killed, for it did not end in time when it was told to.
  bool too_slow = false;
  /// With `started`: what the program tells of itself is heard.
  bool listens = true;
  notice said;
};

/// An instance that `launcher::recover` found on the machine.
struct found_instance {
  std::string id;
  grant granted;
  /// The program runs.
  bool running = false;
  std::int64_t pid = 0;
  messages::timestamp started_at;
  /// How it ended, where it ran and does not run now.
  std::optional<int> exit;
  /// Why it does not run, where the machine and not the program ended it; in words.
  std::string interruption;
  /// The program is just being started: `started` or `not_started` follows.
  bool starting = false;
  /// The starter was killed, and the program, which ran or was just being started, with it.
  bool died = false;
  /// The machine was booted since it was laid out.
  bool earlier_boot = false;
  /// The limits that it has hit in this or an earlier run.
  limit_hits hits;
  /// What its program told of itself; nothing where its starter does not listen for that.
  std::optional<notice> said;
};

/// Lays out, starts and ends instances. Everything it makes is named by the instance's id, so doing
/// it twice does nothing. Events for instances come through one callback, given at construction.
class launcher {
public:
  virtual ~launcher() = default;

  using on_event = std::function<void(process_event)>;
  using on_unpacked = std::function<void(messages::result<void>)>;
  using on_removed = std::function<void(messages::result<void>)>;

  /// Finds the instances an earlier agent left: directories with or without a living starter.
  /// Their events come from now on. Called once, before anything else.
  virtual messages::result<std::vector<found_instance>> recover() = 0;

  /// Reserves `ports` ports and, unless it is content with the agent's, a user for the instance, or
  /// returns what it has already.
  virtual messages::result<grant> reserve(const std::string& id, std::uint32_t ports, bool own_user)
    = 0;

  /// Lays the artifact out as the instance's directory, which appears whole or not at all. Needs a
  /// grant. Done at once when it is there already.
  virtual void unpack(const unpack_order& order, on_unpacked done) = 0;

  /// Starts the program under its starter; `started` or `not_started` follows. At most one program
  /// of an instance runs at any time.
  virtual void launch(const launch_order& order) = 0;

  /// Tells the program, and then what it leaves, to end: `exited` follows when nothing of it is
  /// left, or what is left after `stop.timeout` was killed. Where nothing runs nothing happens, nor
  /// where it was told already. A starter of an earlier release kills what the program leaves, and
  /// may let it take longer.
  virtual void stop(const std::string& id, const messages::stop_rules& rules) = 0;

  /// Kills everything the instance ever started, and its starter; `gone` follows, always.
  virtual void kill_all(const std::string& id) = 0;

  /// Removes directory and grant of an instance of which nothing runs. Its log is kept for a while;
  /// `last` is what is told of it from now on.
  virtual void remove(const messages::kept_log& last, on_removed done) = 0;
};

// -- health ---------------------------------------------------------------------------------------

/// A check of an instance whose program runs.
struct health_order {
  std::string id;
  messages::health_kind kind = messages::health_kind::none;
  /// Of `http` and `tcp`: the instance's, on the loopback address.
  std::uint16_t port = 0;
  std::string path;
  /// Of `exec`: what is run as the instance would be, with `binary` a path in its directory or a
  /// program of the machine, and the process whose view of the machine it shares.
  launch_order program;
  std::int64_t pid = 0;
  /// The check has failed if it takes longer.
  std::chrono::milliseconds timeout{0};
};

struct health_outcome {
  bool healthy = false;
  /// What was seen, one sentence for people: a status and the first line of what came with it,
  /// bounded, without control characters.
  std::string seen;
};

/// Finds out whether instances serve.
class health_checker {
public:
  virtual ~health_checker() = default;

  using on_checked = std::function<void(health_outcome)>;

  /// Makes one check; `done` is called once, soon after the timeout at the latest.
  virtual void check(const health_order& order, on_checked done) = 0;
};

// -- output ---------------------------------------------------------------------------------------

/// A piece of a log, as `messages/log_line.hpp` has it.
struct log_piece {
  std::uint64_t offset = 0;
  std::string data;
  /// More was there already when this was read.
  bool more = false;
  /// Where the log ended then.
  std::uint64_t end = 0;
  /// Set where the instance is gone, and nothing will follow.
  std::optional<messages::kept_log> gone;
};

/// The logs of instances that are gone, the newest first.
struct kept_logs {
  std::vector<messages::kept_log> list;
  /// There are older ones.
  bool more = false;
};

/// Reads the logs of instances, also of those that are gone. Quick (a bounded read of local files).
class log_reader {
public:
  virtual ~log_reader() = default;

  /// At most `limit` bytes from `offset`, counted since the instance's first start: whole lines,
  /// but of one that is longer than that. Where old output is gone the piece begins later.
  virtual messages::result<log_piece> read(const std::string& id, std::uint64_t offset,
                                           std::size_t limit)
    = 0;

  /// Where the last `lines` lines begin.
  virtual messages::result<std::uint64_t> offset_of_last_lines(const std::string& id,
                                                               std::uint32_t lines)
    = 0;

  /// Where the first line of this time or a later one begins, or the end.
  virtual messages::result<std::uint64_t> offset_since(const std::string& id,
                                                       messages::timestamp time)
    = 0;

  /// The logs of instances that are gone: of the one of this id, or, where that is empty, of all of
  /// the group.
  virtual messages::result<kept_logs> find(const messages::find_logs& wanted) = 0;
};

// -- what instances use ---------------------------------------------------------------------------

/// What an instance uses and has used, with all that its program started.
struct usage_sample {
  std::string id;
  /// The program that was measured.
  std::int64_t pid = 0;
  /// How long ago it was started.
  std::chrono::microseconds age{0};
  std::chrono::microseconds processor_time{0};
  std::uint64_t memory_bytes = 0;
  std::uint64_t threads = 0;
  std::optional<std::uint64_t> open_files;
};

/// Measures instances. Quick (a look at each process of the machine).
class usage_meter {
public:
  virtual ~usage_meter() = default;

  /// What these use whose programs run: the process ids of the programs, by instance.
  virtual std::vector<usage_sample> sample(const std::map<std::string, std::int64_t>& programs) = 0;
};

// -- journal --------------------------------------------------------------------------------------

/// What an agent must know of an instance after it was restarted itself and that its starter does
/// not keep.
struct instance_record {
  std::string id;
  std::uint32_t restarts = 0;
  messages::timestamp ready_at;
  bool fetched = false;
  std::string sha256;
  /// The number of exits that the restart rules have counted since the instance was last ready, for
  /// the back-off.
  std::uint32_t failures = 0;
  std::optional<int> exit;
  /// The restart rules gave it up.
  bool gave_up = false;
  /// The last start that `restarts` knows of.
  messages::timestamp started_at;
  /// The start of the last run whose end `failures`, `exit` and `gave_up` know of.
  messages::timestamp ended_run;
  /// `messages::observation::restarted_at`.
  std::vector<messages::timestamp> restarted_at;
  /// The start of the last run that was ready.
  messages::timestamp ready_run;
  /// The last run was found to be unhealthy.
  bool unhealthy = false;

  bool operator==(const instance_record&) const = default;
  MSGPACK_DEFINE_MAP(id, restarts, ready_at, fetched, sha256, failures, exit, gave_up, started_at,
                     ended_run, restarted_at, ready_run, unhealthy)
};

/// What the agent knows about itself and its orders.
struct agent_record {
  /// Random, made once for this state directory.
  std::string identity;
  /// The highest server epoch ever seen.
  std::uint64_t epoch = 0;
  /// The id of the server's store that is obeyed; empty: none yet.
  std::string store;
  std::uint64_t generation = 0;
  std::vector<messages::instance_spec> specs;
  /// The instances that were not wanted any more and not gone yet: how they are to be stopped.
  std::vector<messages::instance_spec> leaving;
  /// The release that read `specs` from the server: another one may know more of their keys.
  std::string read_by;

  bool operator==(const agent_record&) const = default;
  MSGPACK_DEFINE_MAP(identity, epoch, store, generation, specs, leaving, read_by)
};

using agent_record_ptr = std::shared_ptr<const agent_record>;

/// The agent's memory across its own restarts. Blocking; called by the JOURNAL actor alone. What
/// `save_agent` wrote is on disk when it returns; a crash leaves the old or the new content.
class journal_files {
public:
  virtual ~journal_files() = default;

  /// Fails when the files cannot be read. What is damaged counts as not there: a record without a
  /// generation is that of an agent which never had an assignment, or has lost it.
  virtual messages::result<agent_record> load_agent() = 0;
  virtual messages::result<std::vector<instance_record>> load_instances() = 0;
  virtual messages::result<void> save_agent(const agent_record& record) = 0;
  virtual messages::result<void> save_instance(const instance_record& record) = 0;
  virtual messages::result<void> remove_instance(const std::string& id) = 0;
};

/// What there is to keep things in. Blocking; called by the JOURNAL actor alone.
class storage_check {
public:
  virtual ~storage_check() = default;

  /// What is wrong with it now: a disk that is full, a directory that cannot be read or written.
  virtual std::vector<messages::machine_trouble> look() = 0;
};

// -- the machine's key ----------------------------------------------------------------------------

/// Follows the server's key from one to the next. Blocking; called by the JOURNAL actor alone.
class key_keeper {
public:
  virtual ~key_keeper() = default;

  /// The server that is obeyed has said this of its keys. Returns the next one that the machine's
  /// key file has; empty: none.
  virtual std::string learn(const messages::server_key_news& news) = 0;
};

// -- public ports ---------------------------------------------------------------------------------

/// Public port → port of an instance.
using port_map = std::map<std::uint16_t, std::uint16_t>;

/// What the machine's own configuration says of public ports. Quick (a small local file).
class port_settings {
public:
  virtual ~port_settings() = default;

  using entries = std::vector<messages::public_port_entry>;

  /// What is new since the last call that had something to say: the entries, or what is wrong with
  /// the configuration now. The first call always has something to say.
  virtual std::optional<messages::result<entries>> news() = 0;
};

/// The machine's packet filter. Quick (a transaction with the kernel).
class packet_filter {
public:
  virtual ~packet_filter() = default;

  enum class outcome {
    /// The rules were as they should be.
    unchanged,
    /// They lead elsewhere now.
    switched,
    /// Somebody had removed or changed rules that this object had set; they are whole again.
    put_back,
  };

  /// Makes new TCP connections to the machine's public ports go where the map says, all of them at
  /// one moment, and those to no other port; connections that exist go on as they are. Touches no
  /// rule of others, and makes none where there are none and none are wanted. Fails with one
  /// sentence, and changes nothing, where nftables or the right to use it is missing.
  virtual messages::result<outcome> lead(const port_map& wanted) = 0;
};

// -- the rest -------------------------------------------------------------------------------------

/// UTC for stamps, and randomness for ids and jitter.
struct ambience {
  std::function<messages::timestamp()> utc_now;
  /// Uniform in [0, 1).
  std::function<double()> random;
};

/// All of the outside, owned by main (or by a test) for longer than the actors live.
struct outside {
  downloader* downloads = nullptr;
  launcher* instances = nullptr;
  log_reader* logs = nullptr;
  journal_files* journal = nullptr;
  storage_check* storage = nullptr;
  port_settings* ports = nullptr;
  packet_filter* filter = nullptr;
  usage_meter* usage = nullptr;
  ambience ambient;
  /// Null where no keys are used.
  key_keeper* key = nullptr;
  health_checker* health = nullptr;
};

} // namespace deployminator::agent
