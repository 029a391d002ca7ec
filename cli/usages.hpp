#pragma once

#include "cli/client.hpp"
#include "cli/group_name.hpp"
#include "cli/json.hpp"
#include "messages/wire.hpp"

namespace deployminator::cli {

/// Asks what the instances of a group use right now; an empty name: all.
messages::measured ask_usages(client& server, const group_name& of);

/// What an instance uses under its keys in `to`, or null where it is not known.
void put_usage(json& to, const messages::instance_usage* usage);

/// The rows as a list, with what each uses. Many rows are not worth asking so many machines for:
/// then it is not known.
json with_usages(client& server, const std::vector<messages::instance_row>& rows,
                 const group_name& of);

} // namespace deployminator::cli
