#include "messages/bus/event_follower.hpp"

#include <algorithm>
#include <variant>

namespace deployminator::bus {

namespace {

/// More of them are not kept: the server is asked for them once their turn comes.
constexpr std::size_t max_early = 10'000;

} // namespace

event_follower::event_follower(time_point now, std::uint64_t seq, std::uint64_t epoch)
  : seq_(seq), epoch_(epoch), known_(seq), last_heard_(now), asked_at_(now) {}

follow_step event_follower::subscribed(time_point now) {
  follow_step step;
  last_heard_ = now;
  ask(now, step);
  return step;
}

follow_step event_follower::by_asking(time_point now) {
  asks_only_ = true;
  return subscribed(now);
}

follow_step event_follower::published(time_point now, const messages::envelope& e) {
  follow_step step;
  if (e.epoch < epoch_)
    return step;
  epoch_ = e.epoch;
  last_heard_ = now;
  if (const auto* batch = std::get_if<messages::events>(&e.body)) {
    for (const auto& each : batch->list)
      take(each, step);
  } else if (const auto* last = std::get_if<messages::last_event>(&e.body)) {
    known_ = std::max(known_, last->seq);
    // Numbers that went back, or a heartbeat that an answer has overtaken: the server knows.
    if (last->seq < seq_ && !asked_)
      ask(now, step);
  }
  ask_if_behind(now, step);
  return step;
}

follow_step event_follower::answered(time_point now, std::uint64_t epoch,
                                     const messages::event_page& page) {
  follow_step step;
  if (!asked_ || epoch < epoch_)
    return step;
  epoch_ = epoch;
  last_heard_ = now;
  bool begins_later
    = !page.complete_to && !page.events.empty() && page.events.front().seq > *asked_ + 1;
  bool misses_all = !page.complete_to && page.events.empty() && page.last > *asked_;
  step.start_over = page.last < *asked_ || begins_later || misses_all;
  asked_.reset();
  if (step.start_over)
    return step;
  known_ = std::max(known_, page.last);
  if (page.complete_to)
    take_part(page, step);
  else
    for (const auto& each : page.events)
      take(each, step);
  ask_if_behind(now, step);
  return step;
}

follow_step event_follower::tick(time_point now) {
  follow_step step;
  if (asks_only_ && !asked_ && now - last_heard_ >= between_questions)
    ask(now, step);
  if (!asks_only_ && now - last_heard_ >= silent_after) {
    step.resubscribe = true;
    last_heard_ = now;
  }
  if (asked_ && now - asked_at_ >= ask_again_after)
    ask(now, step);
  return step;
}

time_point event_follower::next_wake() const {
  auto silent = last_heard_ + (asks_only_ ? between_questions : silent_after);
  if (asks_only_ && asked_)
    return asked_at_ + ask_again_after;
  return asked_ ? std::min(silent, asked_at_ + ask_again_after) : silent;
}

std::uint64_t event_follower::seq() const {
  return seq_;
}

void event_follower::take(const messages::event& e, follow_step& step) {
  if (e.seq == 0) {
    step.events.push_back(e);
    return;
  }
  known_ = std::max(known_, e.seq);
  if (e.seq > seq_ + 1 && early_.size() < max_early)
    early_.emplace(e.seq, e);
  if (e.seq != seq_ + 1)
    return;
  step.events.push_back(e);
  ++seq_;
  for (auto next = early_.begin(); next != early_.end() && next->first == seq_ + 1;
       next = early_.erase(next)) {
    step.events.push_back(std::move(next->second));
    ++seq_;
  }
}

/// What lies between these events is not for us.
void event_follower::take_part(const messages::event_page& page, follow_step& step) {
  for (const auto& each : page.events)
    if (each.seq > seq_)
      step.events.push_back(each);
  seq_ = std::max(seq_, *page.complete_to);
}

void event_follower::ask(time_point now, follow_step& step) {
  asked_ = seq_;
  asked_at_ = now;
  step.ask_after = seq_;
}

void event_follower::ask_if_behind(time_point now, follow_step& step) {
  if (known_ > seq_ && !asked_)
    ask(now, step);
}

} // namespace deployminator::bus
