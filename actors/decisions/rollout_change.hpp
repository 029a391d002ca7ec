#pragma once

#include "actors/decisions/edit.hpp"
#include "actors/decisions/placement.hpp"
#include "actors/decisions/presence.hpp"
#include "actors/decisions/retention.hpp"
#include "actors/decisions/rollout.hpp"

#include <cstddef>
#include <cstdint>
#include <set>
#include <string>
#include <vector>

/// What rollouts do to the farm.
namespace deployminator::actors {

/// Begins a rollout in place of whatever the group is doing, which is superseded. The row says what
/// for, `to`, who leaves and how; the rest is filled in. Those that leave stop at once where
/// nothing comes: call `place` for what comes before anything else. Returns the row.
/// `what` names it to those who wait for what it supersedes; empty: by its version.
messages::rollout& begin_rollout(edit& c, messages::rollout row, const std::string& what = {});

/// The ids of those that come with the group's rollout and stop when another one begins.
std::set<std::string> given_up_when_superseded(const messages::farm& f, std::uint64_t group_id);

/// Puts instances of `app` where the strategy said: they come with the group's rollout.
void place(edit& c, const messages::group& g, const messages::application& app,
           const placement& where);

/// The same for one instance and without a strategy.
void place_on(edit& c, const messages::group& g, const messages::application& app,
              const std::string& machine);

/// Says that what the group's rollout moves waits, where so many moves, begun before it, are under
/// way that it does.
void tell_of_turn(edit& c, std::uint64_t group_id, std::size_t before);

/// All instances of the group that are not wanted in the version `to`, less those that are kept:
/// what leaves when it comes.
std::vector<std::string> leaving_for(const messages::farm& f, const messages::group& g,
                                     std::uint64_t to, const std::set<std::string>& kept = {});

/// Begins to stop those that leave, without waiting for anything to come.
void stop_leaving(edit& c, std::uint64_t group_id);

/// Gives the group's rollout up, because a person wants so: what came goes, the old stays.
void revert_rollout(edit& c, std::uint64_t group_id);

/// What a decision does to the farm; nothing where the group has gone on since it was made. With
/// the end of a rollout goes what is not among the versions to be kept.
messages::change carry_out(const messages::farm& f, std::uint64_t group_id,
                           const rollout_decision& decision, const moment& m,
                           std::size_t kept_versions = usual_kept_versions);

/// What the group's rollout, which must exist, is told of the instances `ids`; with its row where
/// that has changed, or the hash of an artifact was pinned.
rollout_news news_for(const messages::farm& f, const presence& machines, std::uint64_t group_id,
                      const std::set<std::string>& ids, bool with_row);

/// The ids of all that come or leave.
std::set<std::string> members_of(const messages::rollout& r);

} // namespace deployminator::actors
