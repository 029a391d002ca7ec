#include "agent/linux/process_launcher.hpp"

#include "agent/linux/data_directory.hpp"
#include "agent/linux/files.hpp"
#include "agent/linux/log_files.hpp"
#include "agent/linux/machine_program.hpp"
#include "agent/linux/machine_stop.hpp"
#include "agent/linux/starter_lock.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <csignal>
#include <cstring>
#include <fcntl.h>
#include <filesystem>
#include <utility>

#include <sys/timerfd.h>

namespace deployminator::agent {

using messages::failure;
using messages::failure_code;
using messages::result;

namespace {

owned_fd housekeeping_timer() {
  owned_fd fd{timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK)};
  itimerspec every{{5, 0}, {5, 0}};
  timerfd_settime(fd.get(), 0, &every, nullptr);
  return fd;
}

/// A starter that is asked to write its state again has done so by then, unless it is held up.
constexpr std::chrono::milliseconds state_timeout{20};

failure bad_id(const std::string& id) {
  return {failure_code::invalid,
          fmt::format("\"{:.80}\" is not an instance's id: a-z, 0-9 and - only, at most 64", id),
          {}};
}

/// Whether the relative path names something below the directory it is relative to.
bool stays_below(const std::string& path) {
  auto parts = std::filesystem::path{path};
  return !path.empty() && parts.is_relative()
         && std::none_of(parts.begin(), parts.end(),
                         [](const std::filesystem::path& p) { return p == ".."; });
}

} // namespace

process_launcher::process_launcher(launcher_config config, on_event events)
  : config_(std::move(config)), events_(std::move(events)),
    uid_(static_cast<std::int64_t>(geteuid())), groups_(find_hierarchies(), config_.where),
    timer_(housekeeping_timer()),
    layout_(loop_, reserved_, config_.where, config_.programs.unpack, config_.unpacking),
    sweeper_(loop_, reserved_, config_.programs.starter), checks_(loop_),
    starters_(
      loop_, [this](const std::string& id) { look(id); },
      [this](const std::string& id) { restore_files(id); },
      [this](const std::string& id) { starter_ended(id); }) {
  loop_.call([this] {
    starters_.begin();
    loop_.watch(timer_.get(), [this] { keep_house(); });
  });
}

process_launcher::~process_launcher() {
  loop_.call([this] {
    layout_.stop();
    checks_.stop();
  });
}

// -- grants ---------------------------------------------------------------------------------------

result<grant> process_launcher::reserve(const std::string& id, std::uint32_t ports, bool own_user) {
  return loop_.call([&] { return reserve_now(id, ports, own_user); });
}

result<grant> process_launcher::reserve_now(const std::string& id, std::uint32_t ports,
                                            bool own_user) {
  if (!is_instance_id(id))
    return bad_id(id);
  if (ports > starter::most_ports)
    return failure{failure_code::refused,
                   fmt::format("instance {} wants {} ports; at most {} are given to one instance",
                               id, ports, starter::most_ports),
                   "use lower numbers in ${PORTn}"};
  auto& i = instances_[id];
  if (i.has_grant) {
    auto out = i.granted;
    auto taken = std::find_if(out.ports.begin(), out.ports.end(), reservations::is_taken);
    if (taken != out.ports.end() && !runs_now(id, i))
      out.taken = *taken;
    return out;
  }
  if (auto made = layout_.make(id); !made)
    return made.error();
  i.has_grant = true;
  if (auto done = reserve_parts(id, ports, own_user, i); !done) {
    free_grant(i);
    return done.error();
  }
  return i.granted;
}

result<void> process_launcher::reserve_parts(const std::string& id, std::uint32_t ports,
                                             bool own_user, instance& i) {
  i.granted.uid = uid_;
  if (uid_ == 0 && own_user) {
    // Who owns what was unpacked before need not get it again under another user.
    auto user = reserved_.user(layout_.owner(id));
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
  const auto& i = found->second;
  if (order.runs_binary && !stays_below(order.binary))
    return done(
      failure{failure_code::invalid,
              fmt::format("\"{}\" is not a path below the instance's directory", order.binary),
              "write it as it stands in the archive, without a leading / and without .."});
  if (runs_now(order.id, i)
      || layout_.is_laid_out(order.id, i.granted.uid, order.runs_binary ? order.binary : ""))
    return done({});
  if (missing)
    return done(*missing);
  if (i.ending || layout_.is_busy(order.id))
    return done(failure{
      failure_code::refused,
      fmt::format("instance {} is being {} already", order.id, i.ending ? "ended" : "unpacked"),
      {}});
  layout_.lay_out(order, std::move(artifact), i.granted.uid,
                  [this, id = order.id, done = std::move(done)](const result<void>& outcome) {
                    done(outcome);
                    end_if_over(id);
                  });
}

// -- running --------------------------------------------------------------------------------------

void process_launcher::launch(const launch_order& order) {
  loop_.post([this, order] { launch_now(order); });
}

void process_launcher::launch_now(const launch_order& wanted) {
  auto found = instances_.find(wanted.id);
  if (found == instances_.end() || !found->second.has_grant)
    return not_started(wanted.id, fmt::format("nothing is reserved for instance {}", wanted.id));
  auto completed = complete(wanted);
  if (!completed)
    return not_started(wanted.id, completed.error().message);
  const auto& order = *completed;
  auto& i = found->second;
  auto program = program_of(order);
  if (!program)
    return not_started(order.id, program.error().message);
  if (i.ending || sweeper_.is_at_work(order.id))
    return not_started(order.id, fmt::format("instance {} is just being ended", order.id));
  i.program = *program;
  if (auto made = prepare_data(order, i); !made)
    return not_started(order.id, made.error().message);
  prepare_group(order, i);
  if (i.lives())
    return relaunch(order.id, i);
  auto setup = setup_of(order.id, i);
  if (order.discard_log)
    setup.log.clear();
  forget_end(config_.where.log, order.id);
  if (auto watched = starters_.watch_state(order.id, setup.directory); !watched)
    return not_started(order.id, watched.error().message);
  // An earlier starter's; its news were told.
  unlink(state_path(setup.directory).c_str());
  forget_stop_with_machine(setup.directory);
  auto starter = spawn_starter(setup, i.program, filled(order, i.data), i.granted.ports);
  if (!starter)
    return not_started(order.id, starter.error().message);
  i.starter = std::move(*starter);
  i.shown = false;
  i.told = {};
  starters_.watch_end(order.id, i.starter.handle);
  // It may have been quicker than the watch.
  look(order.id);
}

result<launch_order> process_launcher::complete(launch_order order) const {
  if (!order.java)
    return order;
  auto args = java_arguments(config_.where.home(order.id), order.binary);
  if (!args)
    return args.error();
  order.args.insert(order.args.begin(), args->begin(), args->end());
  return order;
}

result<std::string> process_launcher::program_of(const launch_order& order) const {
  if (!order.interpreter.empty())
    return find_machine_program(order.interpreter);
  if (!stays_below(order.binary))
    return failure{failure_code::invalid,
                   fmt::format("\"{}\" is not a path below the instance's directory", order.binary),
                   {}};
  return fmt::format("{}/{}", config_.where.home(order.id), order.binary);
}

result<void> process_launcher::prepare_data(const launch_order& order, instance& i) const {
  if (order.data.empty())
    return {};
  auto made = make_data_directory(config_.where.data(), order.data);
  if (!made)
    return made.error();
  i.data = made->path;
  if (made->is_new)
    i.remark = fmt::format("its data {} is new on this machine", i.data);
  return {};
}

bool process_launcher::runs_now(const std::string& id, const instance& i) const {
  if (!i.lives())
    return false;
  auto state = state_of(i.starter, config_.where.instance(id), state_timeout);
  return state
         && (state->what == starter::phase::starting || state->what == starter::phase::running);
}

void process_launcher::relaunch(const std::string& id, instance& i) {
  auto state = state_of(i.starter, config_.where.instance(id), state_timeout);
  if (!state)
    return not_started(id, fmt::format("its starter (process {}) does not answer", i.starter.pid));
  if (state->what == starter::phase::running) {
    i.told.start = 0;
    look(id);
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
  out.most_output = config_.most_output;
  out.uid = uid_ == 0 ? i.granted.uid : -1;
  out.data = i.data;
  out.groups = i.groups;
  out.bounds_processes = i.bounds_processes;
  for (const auto& fd : i.held)
    out.reservations.push_back(fd.get());
  return out;
}

void process_launcher::stop(const std::string& id, const messages::stop_rules& rules) {
  loop_.post([this, id, rules] { stop_now(id, rules); });
}

void process_launcher::stop_now(const std::string& id, const messages::stop_rules& rules) {
  auto found = instances_.find(id);
  if (found == instances_.end() || !found->second.lives())
    return;
  const auto& starter = found->second.starter;
  if (auto state = state_of(starter, config_.where.instance(id), state_timeout))
    order_stop(starter, *state, rules);
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
  layout_.cancel(id);
  end_if_over(id);
}

void process_launcher::end_if_over(const std::string& id) {
  auto found = instances_.find(id);
  if (found == instances_.end() || !found->second.ending)
    return;
  auto& i = found->second;
  if (i.lives() || is_busy(id))
    return;
  process_event event;
  event.id = id;
  event.what = process_event::kind::gone;
  event.problem = i.problem;
  free_grant(i);
  groups_.remove(id);
  instances_.erase(found);
  events_(event);
}

void process_launcher::remove(const messages::kept_log& last, on_removed done) {
  loop_.post([this, last, done = std::move(done)] { remove_now(last, done); });
}

void process_launcher::remove_now(messages::kept_log last, on_removed done) {
  const auto& id = last.instance;
  if (!is_instance_id(id))
    return done(bad_id(id));
  if (auto found = instances_.find(id); found != instances_.end()) {
    if (found->second.lives() || is_busy(id))
      return done(
        failure{failure_code::refused,
                fmt::format("instance {} cannot be removed while something of it runs", id),
                "kill it first"});
    free_grant(found->second);
    instances_.erase(found);
  }
  groups_.remove(id);
  last.gone_at = messages::system_utc_now();
  // Before the directory goes. A disk that is too full for it must not keep anything from going.
  (void)note_end(config_.where.log, last);
  layout_.remove(id, std::move(done));
}

bool process_launcher::is_busy(const std::string& id) const {
  return sweeper_.is_at_work(id) || layout_.is_busy(id);
}

// -- what the starters say ------------------------------------------------------------------------

/// Tells what is new in the instance's state.
void process_launcher::look(const std::string& id) {
  auto found = instances_.find(id);
  if (found == instances_.end() || !found->second.lives())
    return;
  auto& i = found->second;
  auto directory = config_.where.instance(id);
  // A starter that is new has none yet; one that had has lost it.
  std::optional<notice> said;
  auto state
    = i.shown ? state_of(i.starter, directory, state_timeout, &said) : read_state(directory, &said);
  if (!state)
    return;
  if (!i.shown) {
    i.shown = true;
    i.held.clear();
  }
  for (auto& event : news_of(id, *state, i.told)) {
    if (event.what == process_event::kind::not_started)
      event.problem = problem_text(*state, setup_of(id, i), i.program);
    if (event.what == process_event::kind::started) {
      event.remark = std::exchange(i.remark, {});
      event.listens = said.has_value();
      i.said.reset();
    }
    if (event.what == process_event::kind::exited)
      event.hits = new_hits(id, i);
    events_(std::move(event));
  }
  if (said && state->what == starter::phase::running && said != i.said)
    tell_notice(id, i, std::move(*said));
}

void process_launcher::tell_notice(const std::string& id, instance& i, notice said) {
  i.said = said;
  process_event event;
  event.id = id;
  event.what = process_event::kind::told;
  event.said = std::move(said);
  events_(std::move(event));
}

/// Somebody removed or replaced files of a starter.
void process_launcher::restore_files(const std::string& id) {
  auto found = instances_.find(id);
  if (found == instances_.end() || !found->second.lives() || !found->second.shown)
    return;
  auto directory = config_.where.instance(id);
  if (layout_.make(id) && starters_.watch_state(id, directory))
    ask_to_restore(found->second.starter, directory);
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
  look(id);
  auto status = reap(i.starter.handle);
  starters_.forget(id, i.starter.handle);
  i.starter = {};
  auto directory = config_.where.instance(id);
  auto state = read_state(directory);
  if (!i.shown && !i.ending && status.value_or(0) > 0 && *status < 128)
    return not_started(id, fmt::format("cannot write {}/{}: {}", directory, starter::state_name,
                                       std::strerror(*status)));
  i.ending = true;
  if (!state || state->what != starter::phase::gone)
    sweep_after(id, i);
  end_if_over(id);
}

void process_launcher::note_lost_output(const std::string& id) const {
  add_to_log(config_.where.log, id, messages::system_utc_now(),
             "its starter ended without a word: what the program printed last may be missing");
}

void process_launcher::sweep_after(const std::string& id, instance& i) {
  note_lost_output(id);
  sweep_order order{id, uid_ == 0 ? i.granted.uid : -1, !i.held.empty(), config_.where.home(id)};
  auto begun = sweeper_.start(order, [this, id] { end_if_over(id); });
  if (!begun)
    i.problem
      = fmt::format("what its killed starter left could not be ended: {}", begun.error().message);
}

// -- housekeeping ---------------------------------------------------------------------------------

void process_launcher::keep_house() {
  std::uint64_t expirations = 0;
  if (read(timer_.get(), &expirations, sizeof expirations) < 0)
    return;
  layout_.keep_house();
  groups_.tidy();
  checks_.keep_house();
  for (auto& [id, i] : instances_) {
    if (!i.lives())
      continue;
    tell_hits(id, i);
    // Whoever removed it may have been quicker than what followed from that.
    if (!read_state(config_.where.instance(id)))
      restore_files(id);
  }
}

} // namespace deployminator::agent
