#pragma once

#include "messages/event.hpp"
#include "messages/farm.hpp"

#include <cstdint>
#include <string>
#include <vector>

namespace deployminator::messages {

/// What one step of the server changes: rows with their new content (new or replaced), rows that
/// go, and what there is to tell. All of it happens, or nothing.
struct change {
  std::vector<group> groups;
  /// Of a version that exists, only `state`, `last_deployed` and the applications' `sha256` change.
  std::vector<version> versions;
  std::vector<instance> instances;
  std::vector<std::string> gone_instances;
  std::vector<machine> machines;
  std::vector<rollout> rollouts;
  /// Group ids.
  std::vector<std::uint64_t> finished_rollouts;
  std::vector<order> orders;
  /// Numbered by the store in this order, after everything stored before.
  std::vector<event> events;

  bool operator==(const change&) const = default;
};

/// Whether there is nothing in it.
bool is_empty(const change& c);

/// What the farm looks like after the change; its events advance `last_event`.
void apply(farm& f, const change& c);

/// Adds what `later` changes to `c`, so that applying `c` is applying both in turn.
void append(change& c, change later);

} // namespace deployminator::messages
