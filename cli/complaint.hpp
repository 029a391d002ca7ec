#pragma once

#include "messages/rows.hpp"

#include <string>
#include <vector>

namespace deployminator::cli {

/// Whether something of the group is not as it should be, so that its instances are worth a look.
bool is_ailing(const messages::group_row& g);

/// Why the group does not pass `status --check`, a line for each reason; nothing: it does.
std::vector<std::string> shortcomings_of(const messages::group_row& g);

/// A sentence about each instance that keeps the group from being ready, the first few, and about a
/// rollout that failed: where, why, and what shows more.
std::vector<std::string> complaints_of(const messages::group_row& g,
                                       const std::vector<messages::instance_row>& instances);

} // namespace deployminator::cli
