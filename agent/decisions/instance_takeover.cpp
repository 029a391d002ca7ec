#include "agent/decisions/instance_step.hpp"
#include "agent/decisions/launch.hpp"

#include <algorithm>
#include <chrono>

namespace deployminator::agent {

using messages::instance_goal;
using messages::instance_state;
using std::chrono::milliseconds;

namespace {

constexpr auto lost_with_state = "it does not run any more, and how it ended is not known";

} // namespace

void instance_step::operator()(const begun& e) {
  if (life_.phase != instance_phase::idle)
    return;
  life_.seen.id = life_.spec->id;
  if (e.record) {
    life_.seen.restarts = e.record->restarts;
    life_.seen.restarted_at = e.record->restarted_at;
    life_.seen.ready_at = e.record->ready_at;
    life_.seen.sha256 = e.record->sha256;
    life_.seen.exit = e.record->exit;
    life_.seen.started_at = e.record->started_at;
    life_.seen.fetched = e.record->fetched && e.found;
    life_.gave_up = e.record->gave_up;
    life_.ended_run = e.record->ended_run;
    life_.ready_run = e.record->ready_run;
    life_.health.unhealthy = e.record->unhealthy;
    life_.started_before
      = e.record->restarts > 0 || e.record->ready_at || e.record->exit || e.record->started_at;
    life_.exits = recalled_exits(e.record->failures, app().restart, now_.steady);
  }
  if (e.found)
    recall(*e.found, e.output);
  else
    proceed();
}

void instance_step::recall(const found_instance& found, const std::string& output) {
  life_.seen.uid = found.granted.uid;
  life_.seen.ports = found.granted.ports;
  // The earlier agent was killed before it could note this start.
  if (life_.seen.started_at && found.started_at && found.started_at != life_.seen.started_at) {
    count_restart(found.started_at);
    life_.health.unhealthy = false;
  }
  if (found.started_at)
    life_.seen.started_at = found.started_at;
  if (found.starting)
    return await_start();
  if (found.running) {
    life_.seen.fetched = true;
    life_.can_notify = found.said.has_value();
    life_.found_notice = found.said;
    return take_up(found.pid);
  }
  // What it waited for may be there since.
  if (found.earlier_boot && std::exchange(life_.gave_up, false))
    life_.exits = {};
  if (goal() == instance_goal::run && !found.interruption.empty() && !life_.gave_up)
    return resume(found, output);
  auto exit = found.exit || found.died ? found.exit : life_.seen.exit;
  bool has_ended = exit || found.died || is_lost_job(found);
  if (goal() != instance_goal::run || !has_ended) {
    life_.seen.exit = exit;
    if (goal() == instance_goal::stop)
      return clear();
    enter(instance_phase::clearing, instance_state::preparing, "");
    return act(kill_everything{});
  }
  life_.started_before = true;
  life_.seen.fetched = true;
  std::string reason = found.died ? killed_with_starter : lost_with_state;
  if (exit)
    reason = end_words(*exit, found.hits, app().limits, output);
  // It was asked to end, so how it did is not its own doing.
  if (life_.health.unhealthy) {
    exit.reset();
    reason = "was unhealthy, and " + reason;
  }
  if (!life_.gave_up)
    return on_ended(exit, reason, output);
  life_.seen.exit = exit;
  life_.seen.output = output;
  life_.over = true;
  enter(instance_phase::clearing, instance_state::failed, reason + "; gave up");
  act(kill_everything{});
}

/// It was started once, must not run twice, and its starter's state is gone.
bool instance_step::is_lost_job(const found_instance& found) const {
  return !found.started_at && life_.seen.started_at && !app().always_on
         && app().restart.policy == messages::restart_policy::never;
}

/// The machine ended the program: that counts as no exit. Only a job that must not run twice stays
/// as it is.
void instance_step::resume(const found_instance& found, const std::string& output) {
  life_.started_before = true;
  life_.seen.fetched = true;
  life_.seen.exit = found.exit;
  life_.seen.output = output;
  auto reason = found.interruption;
  if (found.exit)
    reason += "; " + exit_text(*found.exit);
  if (app().always_on || app().restart.policy != messages::restart_policy::never)
    return rest(reason, milliseconds{0});
  life_.over = true;
  enter(instance_phase::clearing, instance_state::failed, reason);
  act(kill_everything{});
}

/// Its starter is just starting the program, for an earlier agent.
void instance_step::await_start() {
  life_.seen.fetched = true;
  enter(instance_phase::launching, instance_state::starting, "");
  if (goal() != instance_goal::run)
    stop_program();
}

/// The program went on while there was no agent.
void instance_step::take_up(std::int64_t pid) {
  life_.started_before = true;
  life_.seen.pid = pid;
  enter(instance_phase::up, instance_state::running, "");
  if (goal() != instance_goal::run)
    return stop_program();
  const auto& started_at = life_.seen.started_at;
  milliseconds alive{(now_.utc.microseconds - started_at.microseconds) / 1'000};
  alive = std::max(alive, milliseconds{0});
  bool was_ready
    = (life_.seen.ready_at && life_.seen.ready_at >= started_at) || life_.ready_run == started_at;
  if (checked_by() != messages::health_kind::none)
    return take_up_checked(was_ready && !life_.health.unhealthy, alive);
  auto missing = app().min_ready - alive;
  // An agent that is killed right then has not noted it.
  if (!life_.seen.ready_at && missing <= milliseconds{0})
    life_.seen.ready_at.microseconds
      = std::min(now_.utc.microseconds,
                 started_at.microseconds + std::chrono::microseconds{app().min_ready}.count());
  if (was_ready || missing <= milliseconds{0})
    become_ready();
  else
    set_timer(missing);
}

/// One that was ready stays so until its checks say otherwise; one that was unhealthy is restarted
/// with the next check that fails.
void instance_step::take_up_checked(bool is_ready, milliseconds alive) {
  auto said = std::exchange(life_.found_notice, std::nullopt);
  if (said)
    take_notice(life_.health, *said, now_.steady);
  if (is_ready)
    become_ready();
  else if (life_.health.unhealthy)
    life_.seen.reason = "unhealthy, as its agent saw before it was started again";
  watch_health(alive);
  if (checked_by() == messages::health_kind::notify && said)
    on_told(*said);
}

} // namespace deployminator::agent
