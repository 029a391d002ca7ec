#pragma once

#include "agent/decisions/instance.hpp"

#include <map>
#include <optional>
#include <string>
#include <vector>

namespace deployminator::agent {

/// An instance of the machine as far as public ports are concerned.
struct port_candidate {
  spec_ptr spec;
  /// Unset until it was seen the first time.
  std::optional<messages::observation> seen;
};

/// By instance id.
using port_candidates = std::map<std::string, port_candidate>;

/// Whether an instance belongs to an entry.
bool matches(const messages::public_port_entry& entry, const messages::instance_spec& spec);

/// Where each public port of the entries leads, in the order of the public ports. All ports of an
/// entry lead to the same instance, the newest of those that match, are ready and are to run on:
/// the one that became ready last; of several at the same moment the one of the highest version,
/// then of the highest id. A port that this instance does not have leads nowhere.
std::vector<messages::port_target>
choose_targets(const std::vector<messages::public_port_entry>& entries,
               const port_candidates& instances);

/// The map that makes them true.
port_map map_of(const std::vector<messages::port_target>& targets);

/// What is true while the packet filter cannot be made to lead to the targets, because of
/// `problem`: each port leads where it did before.
std::vector<messages::port_target> while_stuck(const std::vector<messages::port_target>& targets,
                                               const std::vector<messages::port_target>& before,
                                               const std::string& problem);

} // namespace deployminator::agent
