#pragma once

#include "actors/decisions/placement.hpp"

#include <string>
#include <vector>

/// Applications of the strategy `pinned`: they name machines where others name machine groups.
namespace deployminator::actors {

/// Spreads over the machines that the application names.
messages::result<placement> place_pinned(const placement_request& request);

/// Whether the application may be on a machine of this name, in these machine groups.
bool may_be_on(const std::string& machine, const std::vector<std::string>& groups,
               const messages::application& app);

} // namespace deployminator::actors
