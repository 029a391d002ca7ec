#pragma once

#include "agent/decisions/public_ports.hpp"
#include "agent/interfaces.hpp"

#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

namespace deployminator::agent {

/// What the PUBLIC PORTS remember.
struct public_ports_state {
  static inline constexpr const char* name = "public_ports";

  outside* world = nullptr;
  observer_actor observer;
  agent_actor agent;

  /// Unset until the configuration could be read once.
  std::optional<std::vector<messages::public_port_entry>> entries;
  /// Why the configuration is not what the entries say; empty: it is.
  std::string wrong_settings;
  port_candidates instances;
  /// All instances that an earlier agent left were expected.
  bool begun = false;
  /// Those that were not seen yet.
  std::set<std::string> unseen;
  /// All of them were seen: from now on the rules may be changed.
  bool knows_all = false;
  caf::typed_response_promise<bool> when_all_known;
  /// The orders that came before, in their order.
  std::vector<std::pair<spec_ptr, instance_actor>> held_back;

  /// What the packet filter was last made to do; unset: not yet.
  std::optional<port_map> map;
  /// The same, in words.
  std::vector<messages::port_target> in_effect;
  /// What keeps the packet filter from being as it should be; empty: nothing does.
  std::string stuck;
  /// What the AGENT knows.
  std::optional<messages::public_ports> told;
};

/// Keeps the packet filter in step with the configuration and the instances. Before each instance
/// that an earlier agent left was seen nothing is changed, so that a restart of the agent leaves
/// the rules alone, and no instance gets a new order: a port may lead to it. `world` must outlive
/// the actor; the rules outlive it.
public_ports_actor::behavior_type
public_ports(public_ports_actor::stateful_pointer<public_ports_state> self, outside* world,
             agent_actor agent);

} // namespace deployminator::agent
