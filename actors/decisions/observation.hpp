#pragma once

#include "actors/decisions/moment.hpp"
#include "messages/change.hpp"
#include "messages/wire.hpp"

#include <string>

/// What reports of the machines do to the farm.
namespace deployminator::actors {

/// An agent reported: instances get their new observations, those that were to stop and are gone
/// disappear, the hash of a first fetch is pinned into its version, and the machine's public ports
/// lead where it says. What concerns instances that the farm does not have on this machine is
/// ignored.
messages::change observe(const messages::farm& farm, const std::string& machine,
                         const messages::report& news, const moment& m);

} // namespace deployminator::actors
