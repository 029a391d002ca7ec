#pragma once

#include "actors/interfaces.hpp"
#include "messages/bus/session.hpp"

#include <map>
#include <optional>

namespace deployminator::actors {

/// What a MACHINE is given.
struct machine_config {
  std::string name;
  gateway_actor gateway;
  deployminator_actor deployminator;
  std::uint64_t epoch = 0;
  /// Where agents publish their progress, for the `welcome`.
  std::string collect;
  std::string publish;
};

/// What a MACHINE remembers.
struct machine_actor_state {
  static inline constexpr const char* name = "machine";
  machine_config config;

  /// The agent's connection, its session and who it is; no session while it is out of reach.
  bus::socket_id socket = 0;
  std::string peer;
  std::optional<bus::peer_session> session;
  std::string identity;
  std::string incarnation;
  /// Hellos that the DEPLOYMINATOR has not answered yet.
  int joining = 0;
  /// The newest report of this incarnation; what comes later and is older says nothing new.
  std::uint64_t revision = 0;

  /// What the agent should hold, what it is known to hold, and what was sent last and is not
  /// confirmed yet. Null: nothing, or unknown.
  machine_assignment_ptr target;
  machine_assignment_ptr confirmed;
  machine_assignment_ptr in_flight;
  bus::time_point sent_at;

  /// Questions passed on to the agent, by correlation id.
  std::uint64_t last_id = 0;
  std::map<std::uint64_t, caf::response_promise> questions;
};

/// Ends with the DEPLOYMINATOR.
machine_actor::behavior_type machine(machine_actor::stateful_pointer<machine_actor_state> self,
                                     machine_config config);

} // namespace deployminator::actors
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(deployminator::actors::machine_config)
