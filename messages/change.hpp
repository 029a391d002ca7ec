#pragma once

#include "messages/event.hpp"
#include "messages/farm.hpp"

#include <cstdint>
#include <string>
#include <vector>

namespace deployminator::messages {

/// The row of an instance of which nothing is left.
struct gone_instance {
  std::string id;
  std::uint64_t group_id = 0;

  bool operator==(const gone_instance&) const = default;
};

/// A version that is not kept any longer: neither it nor its applications.
struct gone_version {
  std::uint64_t id = 0;
  std::uint64_t group_id = 0;
  /// Their rows in the table `appdef`.
  std::vector<std::uint64_t> applications;

  bool operator==(const gone_version&) const = default;
};

/// The end of a rollout.
struct finished_rollout {
  std::uint64_t group_id = 0;
  rollout_outcome outcome = rollout_outcome::succeeded;
  /// It was an upkeep: nobody ordered it.
  bool is_upkeep = false;

  bool operator==(const finished_rollout&) const = default;
};

/// What one step of the server changes: rows with their new content (new or replaced), rows that
/// go, and what there is to tell. All of it happens, or nothing.
struct change {
  std::vector<group> groups;
  /// Of a version that exists, only `state`, `last_deployed` and the applications' `sha256` change.
  std::vector<version> versions;
  std::vector<gone_version> gone_versions;
  std::vector<instance> instances;
  std::vector<gone_instance> gone_instances;
  std::vector<machine> machines;
  /// The names of those that are gone for good.
  std::vector<std::string> gone_machines;
  std::vector<rollout> rollouts;
  std::vector<finished_rollout> finished_rollouts;
  std::vector<receipt> receipts;
  std::vector<access_key> keys;
  /// Numbered by the store in this order, after everything stored before.
  std::vector<event> events;

  bool operator==(const change&) const = default;
};

/// Whether there is nothing in it.
bool is_empty(const change& c);

/// What the farm looks like after the change; its events advance `last_event`.
void apply(farm& f, const change& c);

/// One change that does what `parts` do in turn. Each row is in it once, as the last of them leaves
/// it.
change sum_of(std::vector<change> parts);

} // namespace deployminator::messages
