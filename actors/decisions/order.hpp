#pragma once

#include "actors/decisions/moment.hpp"
#include "actors/decisions/placement.hpp"
#include "messages/change.hpp"
#include "messages/result.hpp"
#include "messages/wire.hpp"

#include <optional>
#include <string>
#include <vector>

/// What orders do to the farm. Each function returns the whole change, or why the order is refused;
/// nothing is changed then.
namespace deployminator::actors {

/// An application of a group that is to be rolled out, with the machines for its instances.
struct placed_application {
  messages::application app;
  placement where;
};

/// A group that is to be rolled out.
struct planned_group {
  std::string namespace_;
  std::string name;
  std::vector<placed_application> applications;
};

/// The change that an order makes, with the row that remembers it.
struct ordered {
  messages::change what;
  messages::order receipt;
};

/// A build: a new version for each of its groups, rolled out at once. Rollouts under way in those
/// groups are superseded.
ordered deploy_build(const messages::farm& farm, const messages::submit_build& order,
                     const std::vector<planned_group>& groups, const moment& m);

/// The version that an order to roll back or to a certain version means.
messages::result<messages::version> version_to_roll_to(const messages::farm& farm,
                                                       const messages::roll_to_version& order);

/// Rolls a kept version out, placed anew.
ordered roll_to(const messages::farm& farm, const messages::roll_to_version& order,
                const planned_group& group, const messages::version& target, const moment& m);

/// Stops every instance of a group.
messages::result<ordered> undeploy_group(const messages::farm& farm,
                                         const messages::undeploy& order, const moment& m);

/// Adds instances to a deployed version outside of any rollout, say because a machine joined.
messages::change add_instances(const messages::farm& farm, const messages::version& deployed,
                               const messages::application& app, const placement& where,
                               const moment& m);

/// Whether an instance of the deployed version is on a machine that has left the application's
/// machine groups.
bool has_misplaced(const messages::farm& farm, const messages::version& deployed);

/// Stops such instances of `app` once the others are all proven; called where the strategy misses
/// none among the machines that are in the groups.
messages::change stop_misplaced(const messages::farm& farm, const messages::version& deployed,
                                const messages::application& app, const moment& m);

/// The group called `namespace_/name`, or a failure that says which there are.
messages::result<messages::group>
find_group(const messages::farm& farm, const std::string& namespace_, const std::string& name);

} // namespace deployminator::actors
