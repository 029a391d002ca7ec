#include "actors/decisions/rollout_members.hpp"

namespace deployminator::actors {

using namespace messages;

bool is_finished_job(instance_state state, std::optional<int> exit) {
  return state == instance_state::stopped && exit == 0;
}

bool is_member_proven(const rollout_member& each) {
  return each.state == instance_state::ready || is_finished_job(each.state, each.exit);
}

bool is_proven(const observation& seen) {
  return seen.state == instance_state::ready || is_finished_job(seen.state, seen.exit);
}

member_list members_of(const rollout_view& view, const std::vector<std::string>& ids) {
  member_list out;
  for (const auto& id : ids)
    if (auto found = view.members.find(id); found != view.members.end())
      out.push_back(&found->second);
  return out;
}

const application_rules& rules_of(const rollout_view& view, const rollout_member& each) {
  static const application_rules none;
  auto found = view.applications.find(each.application);
  return found == view.applications.end() ? none : found->second;
}

bool has_stopped_unnoted(const rollout_member& each) {
  return each.state == instance_state::stopping && each.stuck && each.reachable;
}

} // namespace deployminator::actors
