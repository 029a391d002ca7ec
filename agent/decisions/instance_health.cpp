#include "agent/decisions/instance_step.hpp"
#include "agent/decisions/launch.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

/// What the health of an instance whose program runs makes of it.
namespace deployminator::agent {

using messages::health_kind;
using messages::instance_state;
using std::chrono::milliseconds;

namespace {

/// So that public ports lead elsewhere before the program hears that it is to end.
constexpr milliseconds before_restart{100};

} // namespace

/// How it can be checked: a program that an agent without checks has started may lack the port or
/// the socket until it is started anew.
health_kind instance_step::checked_by() const {
  const auto& rules = app().health;
  bool wants_port = rules.kind == health_kind::http || rules.kind == health_kind::tcp;
  if (wants_port && (rules.port == 0 || rules.port > life_.seen.ports.size()))
    return health_kind::none;
  if (rules.kind == health_kind::notify && !life_.can_notify)
    return health_kind::none;
  return rules.kind;
}

/// From now on it is found out whether the program is healthy; it was alive for so long.
void instance_step::watch_health(milliseconds alive) {
  auto& watch = life_.health;
  ++life_.timer;
  health_watch fresh;
  fresh.number = watch.number + 1;
  fresh.begun = now_.steady - alive;
  fresh.sign = now_.steady;
  fresh.unhealthy = watch.unhealthy;
  fresh.said = std::move(watch.said);
  // One that was unhealthy already is restarted with the next check that fails.
  if (fresh.unhealthy)
    fresh.failures = app().health.failures - 1;
  bool is_ready = life_.seen.state == instance_state::ready;
  if (is_ready)
    fresh.ready_since = watch.ready_since.value_or(now_.steady);
  watch = std::move(fresh);
  auto how = checked_by();
  if (how == health_kind::none) {
    if (!is_ready)
      become_ready_after(app().min_ready - alive);
    return;
  }
  if (is_ready)
    watch.healthy_since = now_.steady;
  if (how != health_kind::notify)
    return act(start_check_timer{watch.number, first_check_after(life_.spec->id, app().health)});
  if (!is_ready && life_.seen.reason.empty())
    life_.seen.reason = status_text();
  act(start_check_timer{watch.number, look_interval_of(app().health)});
}

void instance_step::operator()(const check_due& e) {
  auto& watch = life_.health;
  if (life_.phase != instance_phase::up || e.number != watch.number)
    return;
  if (checked_by() == health_kind::notify)
    return look_at_notices();
  watch.asked = now_.steady;
  act(ask_health{watch.number,
                 health_order_for(*life_.spec, life_.machine, life_.seen.ports, life_.seen.pid)});
}

void instance_step::operator()(const check_ended& e) {
  auto& watch = life_.health;
  if (life_.phase != instance_phase::up || e.number != watch.number)
    return;
  bool is_ready = life_.seen.state == instance_state::ready;
  auto turn = take_check(watch, app().health, is_ready, e.healthy, now_.steady);
  if (turn == health_turn::healthy)
    be_healthy();
  else if (turn == health_turn::waits)
    wait_for_health(e.seen);
  else if (turn == health_turn::unhealthy)
    be_unhealthy(is_ready ? fmt::format("{} ({} in a row)", e.seen, watch.failures) : e.seen);
  if (watch.number != e.number)
    return;
  auto passed = std::chrono::floor<milliseconds>(now_.steady - watch.asked);
  act(start_check_timer{watch.number, std::max(app().health.interval - passed, milliseconds{0})});
}

/// A check was well, or the program says that it is.
void instance_step::be_healthy() {
  auto& watch = life_.health;
  if (life_.seen.state == instance_state::ready)
    return;
  auto missing = missing_to_ready(watch, app().min_ready, now_.steady);
  bool has_begun = watch.healthy_since == now_.steady;
  if (!has_begun && missing > milliseconds{0})
    return;
  if (missing > milliseconds{0})
    life_.seen.reason
      = fmt::format("is healthy, and ready when it was so for {}", length_text(app().min_ready));
  become_ready_after(missing);
}

/// It is not healthy yet, and what was seen is worth a word now and then.
void instance_step::wait_for_health(const std::string& seen) {
  // It is not ready after all.
  ++life_.timer;
  if (seen != life_.seen.reason && may_tell(life_.health, now_.steady))
    life_.seen.reason = seen;
}

/// It is not ready any more, and is restarted where its rules say so.
void instance_step::be_unhealthy(const std::string& seen) {
  auto& watch = life_.health;
  if (has_recovered(watch, app().restart, now_.steady))
    life_.exits.since_ready = 0;
  watch.unhealthy = true;
  watch.ready_since.reset();
  watch.healthy_since.reset();
  ++life_.timer;
  bool was_ready
    = std::exchange(life_.seen.state, instance_state::running) == instance_state::ready;
  if (was_ready || may_tell(watch, now_.steady))
    life_.seen.reason = "unhealthy: " + seen;
  if (app().restart.policy == messages::restart_policy::never)
    return;
  // Others hear first that it is not ready any more.
  watch.restart_due = true;
  ++watch.number;
  set_timer(before_restart);
}

/// Asks a program that is unhealthy to end; `end_run` follows, and from there its next start.
void instance_step::stop_to_restart() {
  auto why = life_.seen.reason;
  life_.was_too_slow = false;
  enter(instance_phase::stopping, instance_state::stopping, why + "; is restarted");
  life_.restart_reason = why;
  act(stop_processes{app().stop});
  set_timer(app().stop.timeout);
}

// -- what the program says of itself --------------------------------------------------------------

void instance_step::on_told(const notice& said) {
  if (life_.phase != instance_phase::up || checked_by() != health_kind::notify)
    return;
  auto& watch = life_.health;
  bool was_ready = life_.seen.state == instance_state::ready;
  bool says_ready = take_notice(watch, said, now_.steady);
  if (says_ready) {
    watch.failures = 0;
    if (!watch.healthy_since)
      watch.healthy_since = now_.steady;
    be_healthy();
  } else if (was_ready || watch.healthy_since) {
    watch.healthy_since.reset();
    watch.ready_since.reset();
    ++life_.timer;
    life_.seen.state = instance_state::running;
    life_.seen.reason = "says that it is stopping";
  } else if (!said.stopping) {
    tell_status();
  }
}

/// What it says of itself beside whether it is ready.
std::string instance_step::status_text() const {
  const auto& said = life_.health.said;
  auto text = said.status.empty() ? "" : std::string{messages::status_begin} + said.status;
  if (life_.seen.state == instance_state::ready)
    return text;
  return text.empty() ? "has not said READY=1 yet" : "has not said READY=1 yet; " + text;
}

/// Tells it where that is news, and not too often.
void instance_step::tell_status() {
  bool is_on_its_way = life_.seen.state != instance_state::ready && life_.health.said.ready;
  if (is_on_its_way || life_.health.unhealthy)
    return;
  auto text = status_text();
  if (text != life_.seen.reason && may_tell(life_.health, now_.steady))
    life_.seen.reason = text;
}

void instance_step::look_at_notices() {
  auto& watch = life_.health;
  const auto& rules = app().health;
  bool is_late = !watch.said.ready && !watch.healthy_since && rules.start_within.count() > 0
                 && now_.steady - watch.begun >= rules.start_within;
  if (watch.healthy_since && is_silent(watch, rules, now_.steady))
    be_unhealthy(fmt::format("said no WATCHDOG=1 for {}", length_text(rules.watchdog)));
  else if (is_late)
    be_unhealthy(fmt::format("has not said READY=1 within {}", length_text(rules.start_within)));
  else if (!watch.said.stopping)
    tell_status();
  act(start_check_timer{watch.number, look_interval_of(rules)});
}

} // namespace deployminator::agent
