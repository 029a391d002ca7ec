#pragma once

#include "messages/change.hpp"
#include "messages/wire.hpp"

#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <vector>

namespace deployminator::actors {

/// The full set of instances that should be on a machine, by id.
struct machine_assignment {
  std::uint64_t generation = 0;
  std::map<std::string, messages::instance_spec> specs;
  /// The instances that are to be gone and were not reported gone yet. Some of them the agent may
  /// never have heard of.
  std::set<std::string> leaving;

  bool operator==(const machine_assignment&) const = default;
};

/// The instances as a list in the order of their ids.
std::vector<messages::instance_spec> specs_of(const machine_assignment& a);

/// What the farm wants on a machine now. Instances to be stopped are not in it.
machine_assignment assignment_of(const messages::farm& farm, const std::string& machine);

/// Raises the generation of every machine whose assignment `c` changes, within `c`; called once on
/// each change before it is applied to `farm`.
void raise_generations(const messages::farm& farm, messages::change& c);

/// The messages that take an agent from `base` (generation 0: from nothing) to `target`; several
/// where one would be larger than a page.
std::vector<messages::assignment> messages_for(const machine_assignment& base,
                                               const machine_assignment& target);

} // namespace deployminator::actors
