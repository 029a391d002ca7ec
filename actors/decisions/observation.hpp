#pragma once

#include "actors/decisions/moment.hpp"
#include "messages/change.hpp"
#include "messages/result.hpp"
#include "messages/wire.hpp"

#include <string>

/// What news from the machines do to the farm.
namespace deployminator::actors {

/// An agent reported: instances get their new observations, those that were to stop and are gone
/// disappear, the hash of a first fetch is pinned into its version, and the machine's public ports
/// lead where it says. What concerns instances that the farm does not have on this machine is
/// ignored.
messages::change observe(const messages::farm& farm, const std::string& machine,
                         const messages::report& news, const moment& m);

/// An agent said hello: its machine is known from now on, as it describes itself, and within reach.
/// Refused where obeying this server would end instances that it knows nothing of: the agent holds
/// an assignment that this store never gave, or another agent under this name has instances.
messages::result<messages::change> machine_joined(const messages::farm& farm,
                                                  const messages::agent_introduction& agent,
                                                  const std::string& agent_version,
                                                  bool was_reachable, const moment& m);

/// An agent fell silent.
messages::change machine_lost(const messages::farm& farm, const std::string& machine,
                              const std::string& reason, const moment& m);

/// The observations of a machine's instances, as the farm has them, for comparing digests.
std::vector<messages::observation> observations_of(const messages::farm& farm,
                                                   const std::string& machine);

} // namespace deployminator::actors
