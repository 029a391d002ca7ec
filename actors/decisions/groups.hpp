#pragma once

#include "messages/farm.hpp"
#include "messages/orders.hpp"
#include "messages/result.hpp"

#include <string>

/// Finding groups and what they have.
namespace deployminator::actors {

/// The group called `namespace_/name`, or null.
const messages::group* group_named(const messages::farm& f, const std::string& namespace_,
                                   const std::string& name);

/// The same, or a failure that says which there are.
messages::result<messages::group> find_group(const messages::farm& f, const std::string& namespace_,
                                             const std::string& name);

/// The group that the order is about; refused where it has no such application, deployed or on its
/// way.
messages::result<messages::group> find_part(const messages::farm& f,
                                            const messages::part_of_group& order);

/// The same, refused while the group goes to another version: two cannot be placed at once.
messages::result<messages::group> find_part_at_rest(const messages::farm& f,
                                                    const messages::part_of_group& order);

/// Why an order is refused that needs something to be deployed.
messages::failure nothing_deployed(const messages::group& g);

/// Whether the group's application was stopped on purpose.
bool is_stopped(const messages::group& g, const std::string& application);

/// The version that is deployed, or null.
const messages::version* deployed_version(const messages::farm& f, const messages::group& g);

/// The rollout that takes the group to another version, or null; one within the version is none.
const messages::rollout* change_of_version(const messages::farm& f, const messages::group& g);

/// `version 5`, or `nothing` for 0.
std::string named_version(std::uint64_t id);

} // namespace deployminator::actors
