#include "agent/decisions/instance.hpp"

#include "agent/decisions/instance_step.hpp"
#include "agent/decisions/launch.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <csignal>
#include <utility>

namespace deployminator::agent {

namespace {

using messages::instance_goal;
using messages::instance_state;
using std::chrono::milliseconds;

/// The waits between attempts to prepare an instance double from the first to the last.
constexpr milliseconds first_retry{1'000};
constexpr milliseconds last_retry{60'000};

constexpr auto ended_with_starter = "its starter was told to end, and killed the program";

/// A reason is all that people see of it, so what to do is part of that.
std::string words_of(const messages::failure& why) {
  return why.hint.empty() ? why.message : why.message + "; " + why.hint;
}

} // namespace

// -- tools ----------------------------------------------------------------------------------------

/// Every phase has timers of its own: those of the one before become stale.
void instance_step::enter(instance_phase phase) {
  life_.phase = phase;
  ++life_.timer;
}

void instance_step::enter(instance_phase phase, instance_state state, std::string reason) {
  enter(phase);
  life_.seen.state = state;
  life_.seen.reason = std::move(reason);
  life_.seen.stuck = false;
  if (state != instance_state::failed)
    life_.seen.output.clear();
}

void instance_step::act(instance_action action) {
  actions_.push_back(std::move(action));
}

void instance_step::set_timer(milliseconds after) {
  act(start_timer{life_.timer, after});
}

void instance_step::rest(std::string reason, milliseconds wait) {
  enter(instance_phase::resting, instance_state::failed, std::move(reason));
  set_timer(wait);
}

/// The next step towards the goal, while nothing of the instance is under way.
void instance_step::proceed() {
  if (goal() == instance_goal::stop)
    return clear();
  if (life_.seen.fetched && is_other_artifact()) {
    life_.seen.fetched = life_.unpacked = false;
    life_.seen.sha256.clear();
    enter(instance_phase::discarding, instance_state::preparing,
          "its version asks for other bytes than were fetched");
    return act(remove_files{});
  }
  if (!life_.seen.fetched && life_.artifact_path.empty()) {
    // Whether it has to be fetched at all, the first note says.
    enter(instance_phase::fetching, instance_state::preparing, "");
    return act(fetch_artifact{});
  }
  if (life_.seen.fetched && goal() == instance_goal::fetch)
    return enter(instance_phase::waiting, instance_state::preparing,
                 "unpacked; waits to be started");
  if (goal() == instance_goal::run)
    enter(instance_phase::reserving, instance_state::starting, life_.exchanged_port);
  else
    enter(instance_phase::reserving, instance_state::preparing,
          life_.from_cache ? "the artifact is in the cache; is being unpacked"
                           : "is being unpacked");
  act(reserve_grant{messages::port_count(app()), !messages::is_published(app())});
}

bool instance_step::is_other_artifact() const {
  return !app().sha256.empty() && !life_.seen.sha256.empty() && app().sha256 != life_.seen.sha256;
}

void instance_step::fail_preparation(const std::string& reason) {
  ++life_.failed_preparations;
  rest(reason, back_off(first_retry, last_retry, life_.failed_preparations));
}

// -- preparing ------------------------------------------------------------------------------------

void instance_step::operator()(const fetch_ended& e) {
  if (life_.phase != instance_phase::fetching)
    return;
  if (!e.outcome)
    return fail_preparation(words_of(e.outcome.error()));
  if (!app().sha256.empty() && e.outcome->sha256 != app().sha256)
    return fail_preparation(
      fmt::format("the bytes fetched have sha256 {}, but those of its version have {}",
                  e.outcome->sha256, app().sha256));
  life_.seen.sha256 = e.outcome->sha256;
  life_.artifact_path = e.outcome->path;
  life_.from_cache = e.outcome->cached;
  proceed();
}

void instance_step::operator()(const fetch_note& e) {
  if (life_.phase != instance_phase::fetching)
    return;
  life_.seen.state = instance_state::downloading;
  life_.seen.reason = e.reason;
  life_.seen.stuck = e.stuck;
}

void instance_step::operator()(const reserve_ended& e) {
  if (life_.phase != instance_phase::reserving)
    return;
  if (goal() == instance_goal::stop || (life_.seen.fetched && goal() == instance_goal::fetch))
    return proceed();
  if (!e.outcome)
    return fail_preparation(words_of(e.outcome.error()));
  if (e.outcome->taken != 0)
    return exchange_ports(e.outcome->taken);
  life_.seen.uid = e.outcome->uid;
  life_.seen.ports = e.outcome->ports;
  if (!life_.unpacked) {
    enter(instance_phase::unpacking);
    // Where a main class is given, what is no archive is a jar.
    return act(unpack_order{life_.spec->id, life_.artifact_path, app().download_url,
                            app().java ? "application.jar" : app().binary,
                            app().interpreter.empty() && !app().java && !is_published(app()),
                            publication_of(*life_.spec, life_.seen.sha256)});
  }
  launch();
}

/// The starter holds the ports for its whole life, so it has to go.
void instance_step::exchange_ports(std::uint16_t taken) {
  life_.exchanged_port
    = fmt::format("another process has taken port {} meanwhile, so it gets another", taken);
  enter(instance_phase::clearing, instance_state::starting, life_.exchanged_port);
  act(kill_everything{});
}

void instance_step::launch() {
  enter(instance_phase::launching, instance_state::starting, life_.exchanged_port);
  auto order = launch_order_for(*life_.spec, life_.machine, life_.seen.ports);
  order.published = publication_of(*life_.spec, life_.seen.sha256);
  act(std::move(order));
}

void instance_step::operator()(const unpack_ended& e) {
  if (life_.phase != instance_phase::unpacking)
    return;
  if (goal() == instance_goal::stop)
    return clear();
  // The cache may drop the file from now on.
  bool had_artifact = !std::exchange(life_.artifact_path, {}).empty();
  if (!e.outcome) {
    life_.seen.fetched = false;
    return had_artifact ? fail_preparation(words_of(e.outcome.error())) : proceed();
  }
  life_.unpacked = life_.seen.fetched = true;
  life_.failed_preparations = 0;
  if (goal() == instance_goal::run)
    launch();
  else
    proceed();
}

// -- running --------------------------------------------------------------------------------------

void instance_step::operator()(const process_changed& e) {
  switch (e.event.what) {
    case process_event::kind::started:
      return on_started(e.event);
    case process_event::kind::not_started:
      // The next attempt looks whether the directory is as it should be.
      life_.unpacked = false;
      if (life_.phase == instance_phase::launching || life_.phase == instance_phase::stopping)
        on_ended(std::nullopt, e.event.problem, e.output);
      return;
    case process_event::kind::exited:
      if (e.event.too_slow && life_.phase == instance_phase::stopping)
        life_.was_too_slow = true;
      return on_ended(e.event.exit,
                      e.event.exit ? end_words(*e.event.exit, e.event.hits, app().limits, e.output)
                                   : ended_with_starter,
                      e.output);
    case process_event::kind::limited:
      return on_limited(e.event.hits);
    case process_event::kind::gone:
      return on_gone();
    case process_event::kind::told:
      return on_told(e.event.said);
  }
}

void instance_step::count_restart(messages::timestamp at) {
  auto& newest = life_.seen.restarted_at;
  ++life_.seen.restarts;
  newest.push_back(at);
  if (newest.size() > messages::timed_restarts)
    newest.erase(newest.begin());
}

void instance_step::on_started(const process_event& e) {
  bool asked_to_stop = life_.phase == instance_phase::stopping && life_.seen.pid == 0;
  if (life_.phase != instance_phase::launching && !asked_to_stop)
    return;
  // The start of a program that was up when its starter's state was lost is no other one.
  bool is_known = e.started_at && e.started_at == life_.seen.started_at;
  if (life_.started_before && !is_known)
    count_restart(e.started_at);
  life_.started_before = true;
  life_.seen.pid = e.pid;
  life_.seen.started_at = e.started_at;
  if (is_known && !asked_to_stop)
    return take_up(e.pid);
  if (asked_to_stop) {
    life_.phase = instance_phase::up;
    return stop_program();
  }
  auto remark = std::exchange(life_.exchanged_port, {});
  if (!e.remark.empty())
    remark += (remark.empty() ? "" : "; ") + e.remark;
  enter(instance_phase::up, instance_state::running, std::move(remark));
  life_.health.unhealthy = false;
  life_.health.said = {};
  life_.can_notify = e.listens;
  watch_health(milliseconds{0});
}

void instance_step::become_ready_after(milliseconds wait) {
  if (wait <= milliseconds{0})
    become_ready();
  else
    set_timer(wait);
}

/// Told with the state that it is in, until it enters another one.
void instance_step::on_limited(const limit_hits& hits) {
  if (life_.phase == instance_phase::up && life_.seen.pid != 0)
    life_.seen.reason = words_of(hits, app().limits);
}

void instance_step::become_ready() {
  life_.seen.state = instance_state::ready;
  if (checked_by() == messages::health_kind::none) {
    life_.exits.since_ready = 0;
  } else {
    life_.health.ready_since = now_.steady;
    life_.health.unhealthy = false;
    life_.seen.reason = status_text();
  }
  life_.ready_run = life_.seen.started_at;
  if (!life_.seen.ready_at)
    life_.seen.ready_at = now_.utc;
}

/// The program does not run any more, or never did.
void instance_step::on_ended(std::optional<int> exit, std::string reason, std::string output) {
  bool by_itself = life_.phase == instance_phase::launching || life_.phase == instance_phase::up
                   || life_.phase == instance_phase::idle;
  bool on_order
    = life_.phase == instance_phase::stopping || life_.phase == instance_phase::clearing;
  if ((!by_itself && !on_order) || (life_.over && on_order))
    return;
  life_.seen.pid = 0;
  // What the agent killed did not end by itself, whatever an earlier run did.
  life_.seen.exit = exit;
  if (by_itself) {
    life_.seen.output = std::move(output);
    end_run(reason);
  } else if (life_.phase == instance_phase::stopping) {
    auto why = std::exchange(life_.restart_reason, {});
    if (why.empty() || goal() != instance_goal::run)
      return clear();
    // It was asked to end, so how it did is not its own doing.
    life_.seen.exit.reset();
    end_run(why);
  }
}

void instance_step::end_run(const std::string& reason) {
  bool is_known = life_.phase == instance_phase::idle && life_.seen.started_at
                  && life_.seen.started_at == life_.ended_run;
  if (has_recovered(life_.health, app().restart, now_.steady))
    life_.exits.since_ready = 0;
  life_.health.ready_since.reset();
  auto verdict = is_known ? after_known_exit(app(), life_.seen.exit, reason, life_.exits)
                          : after_exit(app(), life_.seen.exit, reason, life_.exits, now_.steady);
  life_.ended_run = life_.seen.started_at;
  life_.gave_up = verdict.gave_up;
  life_.over = verdict.over;
  if (!verdict.over)
    return rest(verdict.reason, verdict.wait);
  enter(instance_phase::clearing, verdict.state, verdict.reason);
  act(kill_everything{});
}

/// The answer to `kill_all`; from any other phase the starter was killed by somebody else.
void instance_step::on_gone() {
  life_.unpacked = false;
  switch (life_.phase) {
    case instance_phase::launching:
    case instance_phase::up:
      return on_ended(std::nullopt, killed_with_starter, "");
    case instance_phase::stopping:
    case instance_phase::clearing:
      life_.restart_reason.clear();
      life_.seen.pid = 0;
      if (goal() == instance_goal::stop)
        return vanish();
      if (life_.over)
        return enter(instance_phase::ended);
      return proceed();
    default:
      return;
  }
}

// -- ending ---------------------------------------------------------------------------------------

void instance_step::operator()(const ordered& e) {
  if (goal() == instance_goal::stop)
    return;
  bool new_goal = e.spec->goal != goal();
  bool renewed = e.spec->revision != life_.spec->revision;
  bool is_watched_alike = e.spec->app.health == life_.spec->app.health;
  life_.spec = e.spec;
  switch (life_.phase) {
    case instance_phase::launching:
    case instance_phase::up:
      if (goal() != instance_goal::run)
        stop_program();
      else if (life_.phase == instance_phase::up && !is_watched_alike)
        watch_health(milliseconds{0});
      return;
    case instance_phase::ended:
      if (goal() == instance_goal::run)
        return renewed ? hope_again("something else was deployed") : void();
      life_.over = life_.gave_up = false;
      return proceed();
    case instance_phase::waiting:
      return proceed();
    case instance_phase::resting:
      if (new_goal || (life_.seen.fetched && is_other_artifact()))
        proceed();
      return;
    case instance_phase::fetching:
      if (goal() == instance_goal::stop) {
        act(cancel_fetch{});
        clear();
      }
      return;
    case instance_phase::clearing:
    case instance_phase::stopping:
    case instance_phase::unpacking:
    case instance_phase::discarding:
      if (goal() != instance_goal::run)
        life_.over = life_.gave_up = false;
      if (goal() == instance_goal::stop) {
        life_.seen.state = instance_state::stopping;
        life_.seen.reason = "told to stop";
      }
      return;
    case instance_phase::reserving:
    case instance_phase::idle:
    case instance_phase::removing:
    case instance_phase::removed:
      return;
  }
}

/// Asks the program to end; while it is only being launched, as soon as it runs.
void instance_step::stop_program() {
  bool runs = life_.phase == instance_phase::up;
  life_.was_too_slow = false;
  life_.restart_reason.clear();
  if (is_published(app()))
    return clear();
  enter(instance_phase::stopping, instance_state::stopping, "told to stop");
  if (runs)
    act(stop_processes{app().stop});
  set_timer(app().stop.timeout);
}

void instance_step::clear() {
  enter(instance_phase::clearing, instance_state::stopping,
        life_.phase == instance_phase::stopping ? life_.seen.reason : "told to stop");
  act(kill_everything{});
}

void instance_step::vanish() {
  enter(instance_phase::removing, instance_state::stopping, "is being removed");
  act(remove_files{});
}

void instance_step::operator()(const remove_ended& e) {
  bool discarding = life_.phase == instance_phase::discarding;
  if (!discarding && life_.phase != instance_phase::removing)
    return;
  if (!e.outcome) {
    ++life_.failed_preparations;
    life_.seen.reason = e.outcome.error().message;
    life_.seen.stuck = !discarding;
    return set_timer(back_off(first_retry, last_retry, life_.failed_preparations));
  }
  if (discarding)
    return proceed();
  enter(instance_phase::removed, instance_state::stopped, end_text(life_));
  act(forget{});
}

void instance_step::operator()(const timer_fired& e) {
  if (e.number != life_.timer)
    return;
  switch (life_.phase) {
    case instance_phase::up:
      return life_.health.restart_due ? stop_to_restart() : become_ready();
    case instance_phase::stopping:
      // Its ports and its user stay with it.
      if (!life_.restart_reason.empty() && goal() == instance_goal::run) {
        auto kill = app().stop;
        kill.signal = SIGKILL;
        act(stop_processes{kill});
        return set_timer(app().stop.timeout + first_retry);
      }
      life_.was_too_slow = true;
      return clear();
    case instance_phase::resting:
      return proceed();
    case instance_phase::discarding:
    case instance_phase::removing:
      return act(remove_files{});
    default:
      return;
  }
}

/// One that was given up is tried again, as if it had never failed; one that rests goes on at once.
void instance_step::operator()(const world_changed& e) {
  if (life_.phase == instance_phase::resting)
    return proceed();
  hope_again(e.what);
}

void instance_step::hope_again(const std::string& why) {
  if (!life_.gave_up || life_.phase != instance_phase::ended || goal() != instance_goal::run)
    return;
  life_.over = life_.gave_up = false;
  life_.exits = {};
  rest(why + ", so it is tried again", milliseconds{0});
}

std::vector<instance_action> advance(instance_life& life, const instance_event& event,
                                     const moment& now) {
  instance_step next{life, now};
  std::visit(next, event);
  return next.take_actions();
}

std::string end_text(const instance_life& life) {
  if (life.was_too_slow) {
    const auto& stop = life.spec->app.stop;
    return fmt::format("killed, for it did not end within {} of {}", length_text(stop.timeout),
                       signal_text(stop.signal));
  }
  return life.seen.exit ? exit_text(*life.seen.exit) : "removed";
}

instance_record record_of(const instance_life& life) {
  return {life.seen.id,         life.seen.restarts,     life.seen.ready_at,     life.seen.fetched,
          life.seen.sha256,     life.exits.since_ready, life.seen.exit,         life.gave_up,
          life.seen.started_at, life.ended_run,         life.seen.restarted_at, life.ready_run,
          life.health.unhealthy};
}

} // namespace deployminator::agent
