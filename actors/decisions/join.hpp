#pragma once

#include "actors/decisions/moment.hpp"
#include "messages/change.hpp"
#include "messages/result.hpp"
#include "messages/wire.hpp"

#include <string>

/// What it does to the farm that machines come and go.
namespace deployminator::actors {

/// What it changes that an agent said hello.
struct join {
  messages::change what;
  bool was_known = false;
  /// Its machine was known, and nobody was told that it was out of reach.
  bool was_reachable = false;
  /// It was known, with just these machine groups.
  bool same_groups = false;
};

/// An agent said hello: its machine is known from now on, as it describes itself, and within reach.
/// `is_proven`: it holds the machine's key, and who holds that is the machine, whatever became of
/// its state directory. Refused where obeying this server would end instances that it knows nothing
/// of: the agent holds an assignment that this store never gave, or another agent under this name
/// has instances, and nothing proves that this is its successor.
messages::result<join> machine_joined(const messages::farm& f,
                                      const messages::agent_introduction& agent,
                                      const std::string& agent_version, bool is_proven,
                                      const moment& m);

/// An agent fell silent; `heard`: when it said something last, as far as this server knows.
messages::change machine_lost(const messages::farm& f, const std::string& machine,
                              const std::string& reason, messages::timestamp heard,
                              const moment& m);

/// `digest_of` the observations of a machine's instances, as the farm has them.
std::uint64_t observation_digest_of(const messages::farm& f, const std::string& machine);

} // namespace deployminator::actors
