#pragma once

#include "actors/decisions/rollout.hpp"
#include "actors/decisions/rollout_members.hpp"

#include <string>
#include <vector>

/// How a rollout exchanges instances in its phase `starting`: in waves, canaries first, the old or
/// the new ones first, as the rules of each application say.
namespace deployminator::actors {

/// Whether only the canaries of those that come, `fresh`, may start.
bool is_on_trial(const rollout_view& view, const member_list& fresh);

/// All canaries are ready.
bool has_passed_trial(const rollout_view& view, const member_list& fresh);

/// The instances to be started next.
std::vector<std::string> next_to_start(const rollout_view& view, const member_list& fresh);

/// The old ones to be stopped next where they make room for new ones: never so many that more than
/// `parallel` are missing, and none before a new one waits for it.
std::vector<std::string> next_to_make_room(const rollout_view& view, const member_list& fresh);

} // namespace deployminator::actors
