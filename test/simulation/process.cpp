#include "simulation/process.hpp"

#include <algorithm>

namespace deployminator::simulation {

process::process(std::string name, timeline& clock, trace& record, std::uint64_t seed)
  : name_(std::move(name)), clock_(clock), record_(record), dice_(seed, name_ + " schedule") {
  auto& its_clock = caf_.scheduler.clock();
  its_clock.advance_time(steady_at(clock_.now()) - its_clock.current_time);
}

process::~process() {
  *exists_ = false;
  kill();
}

void process::own(std::vector<caf::actor> actors) {
  actors_ = std::move(actors);
}

void process::slow_down(const caf::actor& slow, moment from, moment to) {
  auto* job = dynamic_cast<caf::resumable*>(caf::actor_cast<caf::abstract_actor*>(slow));
  slow_.push_back({job, from, to, {}});
}

void process::wake() {
  if (running_ || (wake_at_ && *wake_at_ <= clock_.now()))
    return;
  wake_at_ = clock_.now();
  clock_.after(moment{0}, [this, exists = exists_, when = *wake_at_] {
    if (*exists && wake_at_ == when)
      run();
  });
}

void process::freeze(moment length) {
  frozen_until_ = std::max(frozen_until_, clock_.now() + length);
}

void process::kill_after(std::uint64_t messages, std::function<void()> then) {
  messages_left_ = messages;
  when_killed_ = std::move(then);
  // Where it has nothing to do it is killed in its sleep, a little later.
  clock_.after(2s, [this, exists = exists_] {
    if (*exists && messages_left_) {
      messages_left_.reset();
      std::exchange(when_killed_, nullptr)();
    }
  });
}

void process::run() {
  wake_at_.reset();
  if (clock_.now() < frozen_until_)
    return schedule();
  running_ = true;
  record_.speaker(name_);
  auto& its_clock = caf_.scheduler.clock();
  its_clock.advance_time(steady_at(clock_.now()) - its_clock.current_time);
  while (run_one()) {
    if (messages_left_ && (*messages_left_)-- == 0) {
      messages_left_.reset();
      running_ = false;
      // It must not die within its own call.
      clock_.after(moment{0}, std::exchange(when_killed_, nullptr));
      frozen_until_ = clock_.now() + 1s;
      return;
    }
  }
  running_ = false;
  if (on_idle)
    on_idle();
  schedule();
}

/// Lets one actor, chosen at random, work on one message.
bool process::run_one() {
  auto& jobs = caf_.scheduler.jobs;
  auto is_ready = [&](caf::resumable* job) {
    for (auto& each : slow_) {
      if (each.job != job)
        continue;
      if (!each.ready_at)
        each.ready_at = clock_.now() + dice_.between(each.from, each.to);
      return clock_.now() >= *each.ready_at;
    }
    return true;
  };
  std::size_t ready = 0;
  for (auto* job : jobs)
    ready += is_ready(job) ? 1 : 0;
  if (ready == 0)
    return false;
  auto chosen = ready == 1 ? 0 : dice_.below(ready);
  auto at = std::find_if(jobs.begin(), jobs.end(),
                         [&](caf::resumable* job) { return is_ready(job) && chosen-- == 0; });
  for (auto& each : slow_)
    if (each.job == *at)
      each.ready_at.reset();
  std::iter_swap(jobs.begin(), at);
  caf_.scheduler.run_once();
  return true;
}

/// Has `run` called when its clock or a slow actor is due.
void process::schedule() {
  std::optional<moment> next;
  auto consider = [&](moment t) { next = next ? std::min(*next, t) : t; };
  const auto& timeouts = caf_.scheduler.clock().schedule();
  if (!timeouts.empty())
    consider(moment_of(timeouts.begin()->first));
  for (const auto& each : slow_)
    if (each.ready_at)
      consider(*each.ready_at);
  if (clock_.now() < frozen_until_)
    next = frozen_until_;
  if (!next)
    return;
  next = std::max(*next, clock_.now());
  if (wake_at_ && *wake_at_ <= *next)
    return;
  wake_at_ = next;
  clock_.at(*next, [this, exists = exists_, when = *next] {
    if (*exists && wake_at_ == when)
      run();
  });
}

void process::kill() {
  for (auto& each : actors_)
    caf::anon_send_exit(each, caf::exit_reason::kill);
  actors_.clear();
  // Nobody hears what the others still say.
  caf_.scheduler.run();
}

} // namespace deployminator::simulation
