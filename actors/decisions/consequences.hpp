#pragma once

#include "messages/change.hpp"

#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <vector>

namespace deployminator::actors {

/// What a group's ROLLOUT has to be told of.
struct rollout_consequence {
  /// Its row, or the hash of one of its artifacts.
  bool row = false;
  /// Instances of the group.
  std::set<std::string> instances;
};

/// Whom a committed change concerns.
struct consequences {
  /// Machines whose assignment may have another generation.
  std::set<std::string> machines;
  /// By group id; only groups that are being rolled out.
  std::map<std::uint64_t, rollout_consequence> rollouts;
  /// The rollouts that have ended, without another one in their place.
  std::vector<messages::finished_rollout> finished;
  /// What may have instances lacking or misplaced in any group, for people.
  std::vector<std::string> occasions;
};

/// `after`: the farm with the change.
consequences consequences_of(const messages::farm& after, const messages::change& c);

} // namespace deployminator::actors
