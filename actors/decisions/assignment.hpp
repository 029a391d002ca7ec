#pragma once

#include "messages/change.hpp"
#include "messages/wire.hpp"

#include <cstdint>
#include <string>
#include <vector>

/// What the farm wants on a machine. Instances to be stopped are not in it.
namespace deployminator::actors {

/// An assignment's generation and the digest of its entries, which is all that two sides have to
/// compare.
struct assignment_head {
  std::uint64_t generation = 0;
  std::uint64_t digest = 0;

  bool operator==(const assignment_head&) const = default;
};

/// What takes an agent from the assignment of the generation `base` (0: from nothing) to the one of
/// `head`.
struct assignment_difference {
  std::uint64_t base = 0;
  assignment_head head;
  std::vector<messages::instance_spec> put;
  /// All instances that are to go and were not reported gone yet. Some of them the agent may never
  /// have heard of.
  std::vector<std::string> removed;

  bool operator==(const assignment_difference&) const = default;
};

/// The machine's present assignment.
assignment_head assignment_head_of(const messages::farm& f, const std::string& machine);

/// The difference between the machine's assignment as it was with the generation `base` and as it
/// is now.
assignment_difference assignment_since(const messages::farm& f, const std::string& machine,
                                       std::uint64_t base);

/// Both differences in one; `later` begins where `earlier` ends.
assignment_difference joined(assignment_difference earlier, assignment_difference later);

/// The messages that carry a difference; several where one would be larger than a page.
std::vector<messages::assignment> messages_for(const assignment_difference& difference);

} // namespace deployminator::actors
