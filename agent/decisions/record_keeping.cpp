#include "agent/decisions/record_keeping.hpp"

#include <algorithm>
#include <utility>

namespace deployminator::agent {

namespace {

constexpr std::size_t most_waiting = 256;

} // namespace

record_keeping::record_keeping(const agent_record& memory)
  : identity_(memory.identity), next_identity_(memory.identity), epoch_(memory.epoch),
    store_(memory.store) {
  held_.generation = memory.generation;
  if (held_.generation > 0)
    held_.read_by = memory.read_by;
  for (const auto& spec : memory.specs)
    held_.specs[spec.id] = std::make_shared<const messages::instance_spec>(spec);
}

void record_keeping::identify(std::string identity) {
  next_identity_ = std::move(identity);
}

// -- the record -----------------------------------------------------------------------------------

void record_keeping::begin(record_order next) {
  next_ = std::move(next);
  next_.epoch = std::max(epoch_, next_.epoch);
  agent_record record{.identity = next_identity_,
                      .epoch = next_.epoch,
                      .store = next_.store,
                      .generation = next_.held.generation,
                      .specs = {},
                      .leaving = next_.leaving,
                      .read_by = next_.held.read_by};
  for (const auto& [id, spec] : next_.held.specs)
    record.specs.push_back(*spec);
  content_ = std::make_shared<const agent_record>(std::move(record));
  phase_ = phase::writing;
}

bool record_keeping::fail(std::string why) {
  phase_ = phase::unwritten;
  problem_ = std::move(why);
  return !std::exchange(retry_is_due_, true);
}

bool record_keeping::take_retry() {
  retry_is_due_ = false;
  if (phase_ != phase::unwritten)
    return false;
  phase_ = phase::writing;
  return true;
}

record_outcome record_keeping::finish() {
  auto written = std::exchange(next_, {});
  record_outcome out;
  out.is_assignment = written.held.generation != held_.generation;
  out.is_first = out.is_assignment && held_.generation == 0;
  out.removed = std::move(written.removed);
  out.gone = std::exchange(kept_back_, {});
  identity_ = next_identity_;
  epoch_ = written.epoch;
  store_ = std::move(written.store);
  held_ = std::move(written.held);
  content_ = nullptr;
  problem_.clear();
  phase_ = phase::settled;
  return out;
}

bool record_keeping::keep_back(const messages::observation& last) {
  if (phase_ == phase::settled || !held_.specs.contains(last.id))
    return false;
  kept_back_.push_back(last);
  return true;
}

namespace {

using messages::instance_state;

messages::observation held_up_by(messages::observation last, instance_state state,
                                 const std::string& what, const std::string& problem) {
  last.state = state;
  last.stuck = state == instance_state::stopping;
  last.reason = what + ", which its machine cannot note (see `deploy machines`): " + problem;
  return last;
}

} // namespace

std::vector<messages::observation> record_keeping::held_up(
  const std::function<const messages::observation*(const std::string&)>& seen) const {
  std::vector<messages::observation> out;
  auto add = [&](const std::string& id, instance_state state, const char* what) {
    const auto* last = seen(id);
    out.push_back(
      held_up_by(last ? *last : messages::observation{.id = id}, state, what, problem_));
  };
  if (problem_.empty())
    return out;
  for (const auto& [id, spec] : next_.held.specs) {
    auto held = held_.specs.find(id);
    if (held == held_.specs.end())
      add(id, instance_state::failed, "is to be there");
    else if (held->second->goal != spec->goal)
      add(id, instance_state::failed, "is to start");
  }
  for (const auto& id : next_.removed)
    if (!held_.specs.contains(id))
      add(id, instance_state::stopping, "nothing of it is there");
  for (const auto& last : kept_back_)
    out.push_back(held_up_by(last, instance_state::stopping, "has stopped", problem_));
  return out;
}

// -- what waits for it ----------------------------------------------------------------------------

void record_keeping::wait(std::shared_ptr<const messages::envelope> message) {
  if (waiting_.size() < most_waiting)
    waiting_.push_back(std::move(message));
}

void record_keeping::drop_waiting() {
  waiting_.clear();
}

bool record_keeping::must_note(std::uint64_t epoch, const std::string& store) const {
  return phase_ == phase::settled && !waiting_.empty() && (epoch > epoch_ || store != store_);
}

std::shared_ptr<const messages::envelope> record_keeping::take_message() {
  if (phase_ == phase::writing || waiting_.empty())
    return nullptr;
  auto out = std::move(waiting_.front());
  waiting_.pop_front();
  return out;
}

} // namespace deployminator::agent
