#pragma once

#include "actors/decisions/rollout.hpp"

#include <optional>
#include <string>
#include <vector>

/// What a rollout asks of those that come and leave.
namespace deployminator::actors {

/// Members of one view.
using member_list = std::vector<const rollout_member*>;

/// A job that has ended well.
bool is_finished_job(messages::instance_state state, std::optional<int> exit);

/// Ready, or a job that is done.
bool is_member_proven(const rollout_member& each);

/// The members with these ids that are not gone.
member_list members_of(const rollout_view& view, const std::vector<std::string>& ids);

/// The rules of its application in the version that comes.
const application_rules& rules_of(const rollout_view& view, const rollout_member& each);

/// Nothing of it runs; its machine would say that it is gone if it could write that down.
bool has_stopped_unnoted(const rollout_member& each);

} // namespace deployminator::actors
