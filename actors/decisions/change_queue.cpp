#include "actors/decisions/change_queue.hpp"

#include <utility>

namespace deployminator::actors {

using namespace messages;

namespace {

/// So that answers do not wait for a thousand others.
constexpr std::size_t works_at_once = 500;

} // namespace

change_queue::change_queue(messages::farm stored) : farm_(std::move(stored)) {}

void change_queue::push(work w) {
  waiting_.push_back(std::move(w));
}

void change_queue::read(std::function<void(const messages::farm&)> f) {
  readers_.push_back(std::move(f));
  if (state_ == state::idle || state_ == state::away)
    let_read();
}

void change_queue::let_read() {
  for (auto& each : std::exchange(readers_, {}))
    each(farm_);
}

/// What a work does when it is finished may push others; those are decided after all have finished.
void change_queue::finish(std::vector<work> works, const result<std::uint64_t>& outcome) {
  finishing_ = true;
  for (auto& each : works)
    if (each.finished)
      each.finished(outcome);
  finishing_ = false;
}

void change_queue::refuse_waiting() {
  std::vector<work> refused;
  for (auto& each : std::exchange(waiting_, {}))
    refused.push_back(std::move(each));
  finish(std::move(refused), absence_);
}

std::shared_ptr<const change> change_queue::next() {
  while (state_ == state::away && !finishing_ && !waiting_.empty())
    refuse_waiting();
  while (state_ == state::idle && !finishing_ && !waiting_.empty()) {
    std::vector<change> parts;
    while (!waiting_.empty() && committing_.size() < works_at_once) {
      auto& w = committing_.emplace_back(std::move(waiting_.front()));
      waiting_.pop_front();
      auto c = w.decide ? w.decide(farm_) : change{};
      if (is_empty(c))
        continue;
      note_revisions(c);
      undo_.note(farm_, c);
      apply(farm_, c);
      parts.push_back(std::move(c));
    }
    if (!parts.empty()) {
      state_ = state::committing;
      change_ = std::make_shared<const change>(sum_of(std::move(parts)));
      return change_;
    }
    finish(std::exchange(committing_, {}), farm_.last_event);
  }
  return nullptr;
}

void change_queue::committed(std::uint64_t last, const std::function<void(const change&)>& tell) {
  farm_.last_event = last;
  undo_.forget();
  state_ = state::idle;
  auto made = std::exchange(change_, nullptr);
  auto works = std::exchange(committing_, {});
  tell(*made);
  let_read();
  finish(std::move(works), last - made->events.size());
}

void change_queue::failed(const failure& why) {
  state_ = state::lost;
  undo_.undo(farm_);
  change_ = nullptr;
  finish(std::exchange(committing_, {}), why);
}

void change_queue::load_failed(const failure& why) {
  state_ = state::away;
  absence_ = why;
  let_read();
}

bool change_queue::is_idle() const {
  return state_ == state::idle;
}

void change_queue::loaded(messages::farm stored) {
  farm_ = std::move(stored);
  // What was decided on is no more: every plan is stale.
  for (const auto& [group_id, each] : farm_.groups)
    revisions_.try_emplace(group_id);
  for (auto& [group_id, revision] : revisions_)
    ++revision;
  state_ = state::idle;
  let_read();
}

void change_queue::note_revisions(const change& c) {
  for (const auto& each : c.instances) {
    auto before = farm_.instances.find(each.id);
    if (before == farm_.instances.end() || before->second.goal != each.goal)
      ++revisions_[each.group_id];
  }
  for (const auto& each : c.gone_instances)
    ++revisions_[each.group_id];
  for (const auto& each : c.groups)
    ++revisions_[each.id];
  for (const auto& each : c.rollouts)
    ++revisions_[each.group_id];
  for (const auto& each : c.finished_rollouts)
    ++revisions_[each.group_id];
  for (const auto& each : c.machines) {
    auto before = farm_.machines.find(each.name);
    if (before == farm_.machines.end()
        || (before->second.draining == each.draining && before->second.groups == each.groups))
      continue;
    // What may stay there is another question now.
    for (const auto* there : farm_.instances.on_machine(each.name))
      ++revisions_[there->group_id];
  }
}

} // namespace deployminator::actors
