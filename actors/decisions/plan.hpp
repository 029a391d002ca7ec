#pragma once

#include "actors/decisions/placement.hpp"
#include "actors/decisions/presence.hpp"
#include "actors/decisions/silence.hpp"
#include "messages/farm.hpp"
#include "messages/result.hpp"

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

/// Where the instances of a whole order go. Made by the PLANNER, who asks the strategies, on a view
/// of the farm; whether the view still holds is seen when the plan is carried out.
namespace deployminator::actors {

/// An application whose missing instances are to be placed.
struct wish {
  std::string namespace_;
  std::string group;
  /// The version they are of; 0: a new one, of which there is nothing yet.
  std::uint64_t version_id = 0;
  messages::application app;
  /// Instances of the deployed version that stay for it.
  std::set<std::string> kept;
};

/// A machine as the PLANNER sees it.
struct planned_machine {
  std::string name;
  std::vector<std::string> groups;
  bool reachable = false;
  std::uint64_t memory_mb = 0;
  messages::machine_load load;
  /// It takes nothing.
  bool draining = false;
};

/// What everything is placed on, whatever the occasion.
struct placing_ground {
  /// All machines, by name.
  std::vector<planned_machine> machines;
  /// As in `placement_rules`.
  std::uint64_t overcommit_percent = 0;
};

/// The machines as they are now. `overcommit_percent`: what the operator says.
placing_ground ground_of(const messages::farm& f, const presence& machines,
                         std::uint64_t overcommit_percent);

/// What the PLANNER is asked.
struct plan_view {
  /// By group id, of the groups the wishes are about: the revisions that the plan will rest on.
  std::map<std::uint64_t, std::uint64_t> revisions;
  /// Placed one after the other: each sees what the ones before it add.
  std::vector<wish> wishes;
  /// For each wish, by machine: instances of its application's version that are wanted there.
  std::vector<std::map<std::string, std::uint64_t>> own;
  /// For each wish: as `last` in `placement_request`.
  std::vector<std::optional<std::map<std::string, std::uint64_t>>> last;
  /// For each wish, by machine: the memory of instances that stop before its own start.
  std::vector<std::map<std::string, std::uint64_t>> freed_mb;
  /// All machines, by name.
  std::vector<planned_machine> machines;
  /// As in `placement_rules`.
  std::uint64_t overcommit_percent = 0;
};

/// A wish and what its strategy said to it.
struct planned_application {
  std::string namespace_;
  std::string group;
  messages::application app;
  messages::result<placement> where;
  /// As in the wish: the placement counts on them.
  std::set<std::string> kept;
};

/// The PLANNER's answer.
struct plan {
  /// As in the view.
  std::map<std::uint64_t, std::uint64_t> revisions;
  /// One for each wish.
  std::vector<planned_application> applications;
  /// Where memory is counted, by machine: what was promised there when it was planned.
  std::map<std::string, std::uint64_t> promised_mb;
};

/// A plan on this view in which nothing is placed yet.
plan begin_plan(const plan_view& view);

/// The view for these wishes. `revisions` counts the changes of each group; what `quiet` has given
/// up counts as missing; `overcommit_percent` as in `placement_rules`.
plan_view view_for(const messages::farm& f, const presence& machines,
                   const std::map<std::uint64_t, std::uint64_t>& revisions,
                   std::vector<wish> wishes, const silence& quiet = {},
                   std::uint64_t overcommit_percent = 0);

/// The question for the strategy of the next wish, when `done` holds the answers to those before.
/// Fails when no machine is in any of the application's machine groups.
messages::result<placement_request> next_question(const plan_view& view,
                                                  const std::vector<planned_application>& done);

/// Whether the farm has gone on so that the plan must not be carried out: one of its groups has
/// changed, or a machine that it puts something on is not within reach or left its machine groups.
bool is_stale(const plan& p, const messages::farm& f, const presence& machines,
              const std::map<std::uint64_t, std::uint64_t>& revisions);

/// Whether the instance, of this application, is to be elsewhere since its machine is silent for
/// too long; a job that is done needs no other one.
bool is_given_up(const messages::instance& row, const messages::application& app,
                 const silence& quiet);

/// Why the first wish that cannot be placed cannot, or nothing.
std::optional<messages::failure> first_failure(const plan& p);

} // namespace deployminator::actors
