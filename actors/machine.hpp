#pragma once

#include "actors/interfaces.hpp"

#include <map>
#include <optional>
#include <string>

namespace deployminator::actors {

/// What a MACHINE is given.
struct machine_config {
  std::string name;
  gateway_actor gateway;
  deployminator_actor deployminator;
  sessions_actor sessions;
  std::uint64_t epoch = 0;
  /// Where agents publish their progress, for the `welcome`.
  std::string collect;
  std::string publish;
  std::string store_id;
  std::optional<messages::next_server_key> next_server_key;
};

/// What a MACHINE remembers.
struct machine_actor_state {
  static inline constexpr const char* name = "machine";
  machine_config config;

  /// The agent's newest hello; null while its connection is lost.
  envelope_ptr hello;
  /// Where it came from: the agent's connection.
  bus::socket_id socket = 0;
  std::string peer;
  /// The hello was answered, with this.
  std::optional<messages::welcome> session;
  /// The incarnation for which the DEPLOYMINATOR is being asked; repeated hellos do not ask again.
  std::string joining;
  /// The DEPLOYMINATOR counts the machine as connected.
  bool has_joined = false;
  /// Counts how often it was asked: the answer to an earlier question means nothing.
  std::uint64_t join = 0;
  /// The agent's process; its reports count up.
  std::string incarnation;
  /// The newest report of this incarnation; what comes later and is older says nothing new.
  std::uint64_t revision = 0;

  /// The generation that the agent is known to hold; 0: nothing, or unknown.
  std::uint64_t confirmed = 0;
  /// What was sent and is not confirmed yet; one at a time, so that its base is certain.
  std::optional<assignment_head> in_flight;
  /// What is to be sent after that. Its base is what is in flight, else what is confirmed.
  std::optional<assignment_difference> next;
  /// For which join the DEPLOYMINATOR is being asked for all that should be on the machine; 0: it
  /// is not. The answer to an earlier session means nothing to this one.
  std::uint64_t asks_for_all = 0;

  /// Questions passed on to the agent, by correlation id.
  std::uint64_t last_id = 0;
  std::map<std::uint64_t, caf::typed_response_promise<message_ptr>> questions;
};

/// Ends with the DEPLOYMINATOR.
machine_actor::behavior_type machine(machine_actor::stateful_pointer<machine_actor_state> self,
                                     machine_config config);

} // namespace deployminator::actors
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(deployminator::actors::machine_config)
