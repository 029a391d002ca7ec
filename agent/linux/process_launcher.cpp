#include "agent/linux/process_launcher.hpp"

#include "agent/linux/files.hpp"
#include "agent/linux/log_files.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <csignal>
#include <cstring>
#include <fcntl.h>
#include <filesystem>
#include <utility>

#include <sys/inotify.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/timerfd.h>

namespace deployminator::agent {

using messages::failure;
using messages::failure_code;
using messages::result;

namespace {

namespace fs = std::filesystem;

constexpr std::string_view discarded_prefix = ".removed.";

/// Each instance costs the agent a descriptor, those that do not run yet one for each reservation.
void raise_open_files() {
  rlimit limit{};
  if (getrlimit(RLIMIT_NOFILE, &limit) == 0) {
    limit.rlim_cur = limit.rlim_max;
    setrlimit(RLIMIT_NOFILE, &limit);
  }
}

owned_fd logs_timer() {
  owned_fd fd{timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK)};
  itimerspec every{{5, 0}, {5, 0}};
  timerfd_settime(fd.get(), 0, &every, nullptr);
  return fd;
}

std::string boot_id() {
  auto text = read_file("/proc/sys/kernel/random/boot_id");
  return text ? *text : std::string{};
}

/// Ids name files, so this is checked again here, at the last moment.
bool is_id(const std::string& id) {
  return !id.empty() && id.size() <= 64 && std::all_of(id.begin(), id.end(), [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-';
  });
}

failure bad_id(const std::string& id) {
  return {failure_code::invalid,
          fmt::format("\"{:.80}\" is not an instance's id: a-z, 0-9 and - only, at most 64", id),
          {}};
}

/// Whether the relative path names something below the directory it is relative to.
bool stays_below(const std::string& path) {
  auto parts = fs::path{path};
  return !path.empty() && parts.is_relative()
         && std::none_of(parts.begin(), parts.end(), [](const fs::path& p) { return p == ".."; });
}

std::int64_t owner_of(const std::string& path) {
  struct stat info {};
  return lstat(path.c_str(), &info) ? -1 : static_cast<std::int64_t>(info.st_uid);
}

} // namespace

process_launcher::process_launcher(launcher_config config, on_event events)
  : config_(std::move(config)), events_(std::move(events)), boot_(boot_id()),
    uid_(static_cast<std::int64_t>(geteuid())), inotify_(inotify_init1(IN_CLOEXEC | IN_NONBLOCK)),
    timer_(logs_timer()), unpacker_(loop_, config_.programs.unpack, config_.unpacking) {
  raise_open_files();
  loop_.call([this] {
    if (inotify_)
      loop_.watch(inotify_.get(), [this] { state_changed(); });
    loop_.watch(timer_.get(), [this] { bound_logs(); });
  });
}

process_launcher::~process_launcher() = default;

// -- finding what is there ------------------------------------------------------------------------

result<std::vector<found_instance>> process_launcher::recover() {
  return loop_.call([this]() -> result<std::vector<found_instance>> {
    if (!inotify_)
      return failure{failure_code::internal, "this user has too many inotify handles open",
                     "raise the sysctl fs.inotify.max_user_instances"};
    std::vector<found_instance> out;
    std::error_code error;
    std::vector<std::string> names;
    for (fs::directory_iterator it{config_.where.instances(), error}, end; !error && it != end;
         it.increment(error))
      names.push_back(it->path().filename().string());
    if (error) {
      errno = error.value();
      return file_failure("list", config_.where.instances());
    }
    std::sort(names.begin(), names.end());
    for (const auto& name : names) {
      if (name.starts_with(discarded_prefix)) {
        discard(config_.where.instance(name));
      } else if (is_id(name)) {
        auto found = recover_one(name);
        if (!found)
          return found.error();
        out.push_back(std::move(*found));
      }
    }
    return out;
  });
}

result<found_instance> process_launcher::recover_one(const std::string& id) {
  auto directory = config_.where.instance(id);
  discard(config_.where.home(id) + ".tmp");
  if (auto starter = find_starter(directory))
    return adopt(id, std::move(*starter));
  found_instance found;
  found.id = id;
  auto state = read_state(directory);
  if (!state)
    return found;
  bool over = state->what == starter::phase::gone;
  if (state->what == starter::phase::exited || (over && state->pid != 0))
    found.exit = state->exit;
  if (over)
    return found;
  auto sweeping = begin_sweep(id, state->uid, false);
  // `refused`: the user is another instance's now, which must not be ended.
  if (!sweeping && sweeping.error().code != failure_code::refused)
    return sweeping.error();
  if (sweeping)
    reap(sweeping->process.handle);
  reserved_.free_user(state->uid);
  return found;
}

result<found_instance> process_launcher::adopt(const std::string& id, child_process starter) {
  auto& i = instances_[id];
  i.starter = std::move(starter);
  if (auto watched = watch_state(id, i); !watched)
    return watched.error();
  watch_starter(id, i);
  // A state that is just being overwritten does not read; that takes microseconds.
  auto state = read_state(config_.where.instance(id));
  for (int n = 0; !state && n < 10'000; ++n)
    state = read_state(config_.where.instance(id));
  if (!state)
    return failure{failure_code::internal,
                   fmt::format("{}/{} is damaged, while its starter (process {}) lives",
                               config_.where.instance(id), starter::state_name, i.starter.pid),
                   "end that process with SIGTERM, which ends the instance, then start again"};
  i.shown = true;
  i.granted.uid = state->uid < 0 ? uid_ : state->uid;
  i.granted.ports.assign(state->ports, state->ports + state->port_count);
  i.has_grant = true;
  for (auto port : i.granted.ports)
    reserved_.note_port(port);
  if (state->uid >= 0)
    reserved_.note_user(state->uid);
  found_instance out;
  out.id = id;
  out.granted = i.granted;
  out.running = state->what == starter::phase::running;
  out.pid = out.running ? state->pid : 0;
  out.started_at.microseconds = state->started_at;
  if (state->what == starter::phase::exited)
    out.exit = state->exit;
  if (state->what != starter::phase::starting)
    i.told_start = state->run;
  if (state->what == starter::phase::exited || state->what == starter::phase::not_started)
    i.told_end = state->run;
  return out;
}

// -- grants ---------------------------------------------------------------------------------------

result<grant> process_launcher::reserve(const std::string& id, std::uint32_t ports) {
  return loop_.call([&] { return reserve_now(id, ports); });
}

result<grant> process_launcher::reserve_now(const std::string& id, std::uint32_t ports) {
  if (!is_id(id))
    return bad_id(id);
  if (ports > starter::most_ports)
    return failure{failure_code::refused,
                   fmt::format("instance {} wants {} ports; at most {} are given to one instance",
                               id, ports, starter::most_ports),
                   "use lower numbers in ${PORTn}"};
  auto& i = instances_[id];
  if (i.has_grant)
    return i.granted;
  if (mkdir(config_.where.instance(id).c_str(), 0711) && errno != EEXIST)
    return file_failure("create the directory", config_.where.instance(id));
  i.has_grant = true;
  if (auto done = reserve_parts(id, ports, i); !done) {
    free_grant(i);
    return done.error();
  }
  return i.granted;
}

result<void> process_launcher::reserve_parts(const std::string& id, std::uint32_t ports,
                                             instance& i) {
  i.granted.uid = uid_;
  if (uid_ == 0) {
    // Who owns what was unpacked before need not get it again under another user.
    auto user = reserved_.user(owner_of(config_.where.home(id)));
    if (!user)
      return user.error();
    i.granted.uid = user->number;
    i.held.push_back(std::move(user->holder));
  }
  for (std::uint32_t n = 0; n < ports; ++n) {
    auto port = reserved_.port();
    if (!port)
      return port.error();
    i.granted.ports.push_back(static_cast<std::uint16_t>(port->number));
    i.held.push_back(std::move(port->holder));
  }
  return {};
}

void process_launcher::free_grant(instance& i) {
  if (!i.has_grant)
    return;
  for (auto port : i.granted.ports)
    reserved_.free_port(port);
  reserved_.free_user(i.granted.uid);
  i.held.clear();
  i.granted = {};
  i.has_grant = false;
}

// -- unpacking ------------------------------------------------------------------------------------

void process_launcher::unpack(const unpack_order& order, on_unpacked done) {
  auto artifact
    = std::make_shared<owned_fd>(open(order.artifact_path.c_str(), O_RDONLY | O_CLOEXEC));
  // Matters only when the directory is not there already.
  std::optional<failure> missing;
  if (!*artifact) {
    missing = file_failure("read the artifact", order.artifact_path);
    missing->hint = "it has to be fetched again";
  }
  loop_.post([this, order, artifact, missing, done = std::move(done)] {
    unpack_now(order, artifact, missing, done);
  });
}

void process_launcher::unpack_now(const unpack_order& order, std::shared_ptr<owned_fd> artifact,
                                  const std::optional<failure>& missing, on_unpacked done) {
  auto found = instances_.find(order.id);
  if (found == instances_.end() || !found->second.has_grant)
    return done(failure{
      failure_code::refused, fmt::format("nothing is reserved for instance {}", order.id), {}});
  if (!stays_below(order.binary))
    return done(
      failure{failure_code::invalid,
              fmt::format("\"{}\" is not a path below the instance's directory", order.binary),
              "write it as it stands in the archive, without a leading / and without .."});
  if (found->second.lives() || is_unpacked(order.id, found->second))
    return done({});
  if (missing)
    return done(*missing);
  if (found->second.ending || unpacker_.has(order.id))
    return done(failure{failure_code::refused,
                        fmt::format("instance {} is being {} already", order.id,
                                    found->second.ending ? "ended" : "unpacked"),
                        {}});
  bool archive = messages::is_archive(order.download_url);
  if (!archive && link_program(order, found->second, artifact->get()))
    return done(finish_unpack(order.id, {}));
  unpacker::job job;
  job.id = order.id;
  job.artifact = std::move(artifact);
  job.archive = archive;
  job.binary = order.binary;
  job.target = config_.where.home(order.id) + ".tmp";
  job.uid = uid_ == 0 ? found->second.granted.uid : -1;
  job.prepare = [this, id = order.id, target = job.target] {
    auto made = make_target(id);
    return made ? give_away(target, instances_[id]) : made;
  };
  job.done = [this, id = order.id, done = std::move(done)](result<void> outcome) {
    done(finish_unpack(id, outcome));
    end_if_over(id);
  };
  unpacker_.start(std::move(job));
}

bool process_launcher::is_unpacked(const std::string& id, const instance& i) const {
  auto boot = read_file(config_.where.instance(id) + "/unpacked");
  return boot && *boot == boot_ && owner_of(config_.where.home(id)) == i.granted.uid;
}

result<void> process_launcher::make_target(const std::string& id) {
  auto target = config_.where.home(id) + ".tmp";
  discard(target);
  if (mkdir(target.c_str(), 0700))
    return file_failure("create the directory", target);
  return {};
}

result<void> process_launcher::give_away(const std::string& path, const instance& i) const {
  auto uid = static_cast<uid_t>(i.granted.uid);
  if (uid_ == 0 && lchown(path.c_str(), uid, uid))
    return file_failure("give away the directory", path);
  return {};
}

/// Instead of a copy of its own, a plain program can have the cache's file itself where it runs as
/// a user who may not write to that. False where it cannot (another file system, too many links).
bool process_launcher::link_program(const unpack_order& order, const instance& i, int artifact) {
  struct stat info {};
  bool own_user = uid_ == 0 && i.granted.uid != 0;
  if (!own_user || fstat(artifact, &info)
      || static_cast<std::uint64_t>(info.st_size) > config_.unpacking.bytes
      || !make_target(order.id))
    return false;
  auto path = fs::path{config_.where.home(order.id) + ".tmp"};
  auto binary = fs::path{order.binary}.lexically_normal();
  std::vector<fs::path> made{path};
  for (const auto& part : binary.parent_path()) {
    made.push_back(path /= part);
    if (mkdir(path.c_str(), 0755))
      return false;
  }
  path /= binary.filename();
  if (fchmod(artifact, 0755)
      || linkat(AT_FDCWD, fmt::format("/proc/self/fd/{}", artifact).c_str(), AT_FDCWD, path.c_str(),
                AT_SYMLINK_FOLLOW))
    return false;
  // From within: as long as the outermost is root's, nobody gets in and puts a link in the way.
  return std::all_of(made.rbegin(), made.rend(),
                     [&](const fs::path& each) { return static_cast<bool>(give_away(each, i)); });
}

result<void> process_launcher::finish_unpack(const std::string& id, const result<void>& outcome) {
  auto home = config_.where.home(id);
  if (!outcome) {
    discard(home + ".tmp");
    return outcome;
  }
  discard(home);
  if (rename((home + ".tmp").c_str(), home.c_str()))
    return file_failure("put in place", home);
  return replace_file(config_.where.instance(id) + "/unpacked", boot_, false);
}

// -- running --------------------------------------------------------------------------------------

void process_launcher::launch(const launch_order& order) {
  loop_.post([this, order] { launch_now(order); });
}

void process_launcher::launch_now(const launch_order& order) {
  auto found = instances_.find(order.id);
  if (found == instances_.end() || !found->second.has_grant)
    return not_started(order.id, fmt::format("nothing is reserved for instance {}", order.id));
  auto& i = found->second;
  if (!stays_below(order.binary))
    return not_started(
      order.id, fmt::format("\"{}\" is not a path below the instance's directory", order.binary));
  if (i.ending || i.sweeping)
    return not_started(order.id, fmt::format("instance {} is just being ended", order.id));
  i.binary = order.binary;
  if (i.lives())
    return relaunch(order.id, i);
  auto setup = setup_of(order.id, i);
  if (order.discard_log)
    setup.log.clear();
  if (auto watched = watch_state(order.id, i); !watched)
    return not_started(order.id, watched.error().message);
  // An earlier starter's; its news were told.
  unlink(fmt::format("{}/{}", setup.directory, starter::state_name).c_str());
  auto starter = spawn_starter(setup, order, i.granted.ports);
  if (!starter)
    return not_started(order.id, starter.error().message);
  i.starter = std::move(*starter);
  i.shown = false;
  i.told_start = i.told_end = 0;
  watch_starter(order.id, i);
  // It may have been quicker than the watch.
  look(order.id, i);
}

void process_launcher::relaunch(const std::string& id, instance& i) {
  auto state = read_state(config_.where.instance(id));
  if (!state)
    return;
  if (state->what == starter::phase::running) {
    i.told_start = 0;
    look(id, i);
  } else if (state->what == starter::phase::exited || state->what == starter::phase::not_started) {
    send_signal(i.starter.handle, starter::start_order, static_cast<int>(state->run + 1));
  }
}

starter_setup process_launcher::setup_of(const std::string& id, const instance& i) const {
  starter_setup out;
  out.program = config_.programs.starter;
  out.directory = config_.where.instance(id);
  out.home = config_.where.home(id);
  out.log = config_.where.log_of(id);
  out.uid = uid_ == 0 ? i.granted.uid : -1;
  for (const auto& fd : i.held)
    out.reservations.push_back(fd.get());
  return out;
}

void process_launcher::signal(const std::string& id, int signal) {
  loop_.post([this, id, signal] { signal_now(id, signal); });
}

void process_launcher::signal_now(const std::string& id, int signal) {
  auto found = instances_.find(id);
  if (found == instances_.end() || !found->second.lives())
    return;
  if (auto state = read_state(config_.where.instance(id)))
    send_signal(found->second.starter.handle, starter::signal_order,
                starter::signal_value(state->run, signal));
}

// -- ending ---------------------------------------------------------------------------------------

void process_launcher::kill_all(const std::string& id) {
  loop_.post([this, id] { kill_all_now(id); });
}

void process_launcher::kill_all_now(const std::string& id) {
  auto& i = instances_[id];
  i.ending = true;
  if (i.lives()) {
    // A queue of orders may be full; SIGTERM means the same and always has room.
    if (!send_signal(i.starter.handle, starter::end_order))
      send_signal(i.starter.handle, SIGTERM);
    send_signal(i.starter.handle, SIGCONT);
  }
  // Either may end the instance's entry.
  unpacker_.cancel(id);
  end_if_over(id);
}

void process_launcher::end_if_over(const std::string& id) {
  auto found = instances_.find(id);
  if (found == instances_.end() || !found->second.ending)
    return;
  auto& i = found->second;
  if (i.lives() || i.sweeping || unpacker_.has(id))
    return;
  process_event event;
  event.id = id;
  event.what = process_event::kind::gone;
  event.problem = i.problem;
  free_grant(i);
  instances_.erase(found);
  events_(event);
}

void process_launcher::remove(const std::string& id, on_removed done) {
  loop_.post([this, id, done = std::move(done)] { remove_now(id, done); });
}

void process_launcher::remove_now(const std::string& id, on_removed done) {
  if (!is_id(id))
    return done(bad_id(id));
  if (auto found = instances_.find(id); found != instances_.end()) {
    if (found->second.lives() || found->second.sweeping || unpacker_.has(id))
      return done(
        failure{failure_code::refused,
                fmt::format("instance {} cannot be removed while something of it runs", id),
                "kill it first"});
    free_grant(found->second);
    instances_.erase(found);
  }
  auto gone = discarded_name();
  auto directory = config_.where.instance(id);
  if (rename(directory.c_str(), gone.c_str()) && errno != ENOENT)
    return done(file_failure("remove", directory));
  janitor_.post([gone, log = config_.where.log_of(id), done = std::move(done)] {
    auto tree = remove_tree(gone);
    auto output = remove_tree(log);
    done(tree ? output : tree);
  });
}

// -- what the starters say ------------------------------------------------------------------------

result<void> process_launcher::watch_state(const std::string& id, instance& i) {
  i.watch = inotify_add_watch(inotify_.get(), config_.where.instance(id).c_str(), IN_MODIFY);
  if (i.watch < 0) {
    auto why = file_failure("watch", config_.where.instance(id));
    why.hint = "raise the sysctl fs.inotify.max_user_watches";
    return why;
  }
  watches_[i.watch] = id;
  return {};
}

void process_launcher::watch_starter(const std::string& id, instance& i) {
  loop_.watch(i.starter.handle.get(), [this, id] { starter_ended(id); });
}

void process_launcher::state_changed() {
  alignas(inotify_event) std::array<char, 16 * 1024> buffer;
  for (;;) {
    auto size = read(inotify_.get(), buffer.data(), buffer.size());
    if (size <= 0)
      return;
    for (ssize_t at = 0; at < size;) {
      auto* event = reinterpret_cast<const inotify_event*>(buffer.data() + at);
      at += static_cast<ssize_t>(sizeof *event + event->len);
      if (event->mask & IN_Q_OVERFLOW) {
        for (auto& [id, i] : instances_)
          look(id, i);
      } else if (auto found = watches_.find(event->wd); found != watches_.end()) {
        look(found->second, instances_[found->second]);
      }
    }
  }
}

void process_launcher::look(const std::string& id, instance& i) {
  auto state = i.lives() ? read_state(config_.where.instance(id)) : std::nullopt;
  if (!state)
    return;
  if (!i.shown) {
    i.shown = true;
    i.held.clear();
  }
  bool did_run = state->what == starter::phase::exited
                 || (state->what == starter::phase::gone && state->pid != 0);
  bool did_start = did_run || state->what == starter::phase::running;
  if (did_start && i.told_start < state->run) {
    i.told_start = state->run;
    process_event event;
    event.id = id;
    event.what = process_event::kind::started;
    event.pid = state->pid;
    event.started_at.microseconds = state->started_at;
    events_(event);
  }
  bool did_end = did_run || state->what == starter::phase::not_started;
  if (did_end && i.told_end < state->run) {
    i.told_end = state->run;
    tell_end(id, i, *state);
  }
}

void process_launcher::tell_end(const std::string& id, instance& i, const starter::state& state) {
  if (state.what == starter::phase::not_started)
    return not_started(id, problem_text(state, setup_of(id, i), i.binary));
  process_event event;
  event.id = id;
  event.what = process_event::kind::exited;
  event.pid = state.pid;
  event.started_at.microseconds = state.started_at;
  event.exit = state.exit;
  events_(event);
}

void process_launcher::not_started(const std::string& id, std::string problem) {
  process_event event;
  event.id = id;
  event.what = process_event::kind::not_started;
  event.problem = std::move(problem);
  events_(event);
}

void process_launcher::starter_ended(const std::string& id) {
  auto found = instances_.find(id);
  if (found == instances_.end() || !found->second.lives()
      || !has_ended(found->second.starter.handle))
    return;
  auto& i = found->second;
  look(id, i);
  auto status = reap(i.starter.handle);
  loop_.forget(i.starter.handle.get());
  i.starter = {};
  inotify_rm_watch(inotify_.get(), i.watch);
  watches_.erase(i.watch);
  auto state = read_state(config_.where.instance(id));
  if (!i.shown && !i.ending && status.value_or(0) > 0 && *status < 128)
    return not_started(id, fmt::format("cannot write {}/{}: {}", config_.where.instance(id),
                                       starter::state_name, std::strerror(*status)));
  i.ending = true;
  if (!state || state->what != starter::phase::gone)
    sweep_after(id, i);
  end_if_over(id);
}

result<process_launcher::sweep> process_launcher::begin_sweep(const std::string& id,
                                                              std::int64_t uid, bool user_held) {
  sweep out;
  if (uid >= 0 && !user_held) {
    auto again = reserved_.this_user(uid);
    if (!again)
      return again.error();
    out.user = std::move(*again);
  }
  auto process = spawn_sweep(config_.programs.starter, uid, config_.where.home(id));
  if (!process)
    return process.error();
  out.process = std::move(*process);
  return out;
}

void process_launcher::sweep_after(const std::string& id, instance& i) {
  auto begun = begin_sweep(id, uid_ == 0 ? i.granted.uid : -1, !i.held.empty());
  if (!begun) {
    i.problem
      = fmt::format("what its killed starter left could not be ended: {}", begun.error().message);
    return;
  }
  i.sweeping = true;
  auto work = std::make_shared<sweep>(std::move(*begun));
  loop_.watch(work->process.handle.get(), [this, id, work] {
    if (!has_ended(work->process.handle))
      return;
    loop_.forget(work->process.handle.get());
    reap(work->process.handle);
    work->user.reset();
    instances_[id].sweeping = false;
    end_if_over(id);
  });
}

// -- housekeeping ---------------------------------------------------------------------------------

std::string process_launcher::discarded_name() {
  return config_.where.instance(fmt::format("{}{}", discarded_prefix, discarded_++));
}

void process_launcher::discard(const std::string& path) {
  auto gone = discarded_name();
  if (rename(path.c_str(), gone.c_str()) == 0)
    janitor_.post([gone] { (void)remove_tree(gone); });
}

void process_launcher::bound_logs() {
  std::uint64_t expirations = 0;
  if (read(timer_.get(), &expirations, sizeof expirations) < 0)
    return;
  for (const auto& [id, i] : instances_)
    if (i.lives())
      bound_log(config_.where.log_of(id), config_.most_output);
}

} // namespace deployminator::agent
