#include "cli/tally.hpp"

#include <utility>

namespace deployminator::cli {

using namespace messages;

namespace {

/// So many instances of a group are told of one by one.
constexpr std::size_t few = 8;

constexpr std::int64_t microseconds_between = 1'000'000;

} // namespace

bool tally::takes(const event& e, const board& known) {
  group_name name{e.namespace_, e.group};
  const auto* change = std::get_if<instance_change>(&e.what);
  bool more_start = starts_more(e, name);
  if (!change && !more_start && !std::holds_alternative<download_progress>(e.what))
    return false;
  if (!many_.contains(name) && known.count_of(name) <= few)
    return false;
  many_.insert(name);
  if (change
      && (change->to == messages::instance_state::failed
          || change->to == messages::instance_state::lost))
    return false;
  changed_.insert(name);
  bool is_problem
    = change && change->to == messages::instance_state::downloading && !change->reason.empty();
  return !is_problem || !problems_.insert(change->reason).second;
}

bool tally::starts_more(const event& e, const group_name& name) {
  const auto* step = std::get_if<rollout_step>(&e.what);
  if (step == nullptr)
    return false;
  bool starts = step->phase == to_text(rollout_phase::starting);
  return std::exchange(starting_[name], starts) && starts;
}

std::vector<std::string> tally::due(const board& known, timestamp now) {
  std::vector<std::string> out;
  auto since = now.microseconds - said_at_.microseconds;
  if (changed_.empty() || (since >= 0 && since < microseconds_between))
    return out;
  for (const auto& name : std::exchange(changed_, {})) {
    auto text = known.census_of(name);
    if (std::exchange(said_[name], text) != text)
      out.push_back(to_text(name) + ": " + text);
  }
  if (!out.empty())
    said_at_ = now;
  return out;
}

} // namespace deployminator::cli
