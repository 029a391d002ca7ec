#include "cli/scope.hpp"

#include <algorithm>
#include <utility>

namespace deployminator::cli {

using messages::instance_state;

scope::scope(group_name only) : only_(std::move(only)) {}

scope::scope(std::vector<messages::group_version> rollouts) : rollouts_(std::move(rollouts)) {}

void scope::add_machines(std::set<std::string> machines) {
  machines_ = std::move(machines);
}

bool scope::concerns(const messages::event& e) const {
  if (!rollouts_.empty() && e.group.empty())
    return is_of_machines(e);
  if (!rollouts_.empty())
    return std::any_of(rollouts_.begin(), rollouts_.end(),
                       [&](const auto& each) { return is_of_rollout(e, each); });
  if (e.group.empty())
    return true;
  return (only_.namespace_.empty() || only_.namespace_ == e.namespace_)
         && (only_.group.empty() || only_.group == e.group);
}

bool scope::is_of_machines(const messages::event& e) const {
  if (const auto* change = std::get_if<messages::machine_change>(&e.what))
    return machines_.contains(change->machine);
  const auto* trouble = std::get_if<messages::trouble_change>(&e.what);
  return trouble != nullptr && !machines_.empty()
         && (trouble->machine.empty() || machines_.contains(trouble->machine));
}

bool scope::is_of_rollout(const messages::event& e, const messages::group_version& rollout) const {
  if (e.namespace_ != rollout.namespace_ || e.group != rollout.group)
    return false;
  if (auto number = messages::rollout_of(e); number != 0 && rollout.rollout != 0)
    return number == rollout.rollout;
  if (e.version == rollout.version)
    return true;
  auto* change = std::get_if<messages::instance_change>(&e.what);
  return change != nullptr
         && (change->to == instance_state::stopping || change->to == instance_state::stopped);
}

} // namespace deployminator::cli
