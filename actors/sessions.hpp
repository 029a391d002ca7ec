#pragma once

#include "actors/interfaces.hpp"
#include "messages/bus/session.hpp"

#include <map>
#include <string>

namespace deployminator::actors {

/// What SESSIONS is given.
struct sessions_config {
  gateway_actor gateway;
  deployminator_actor deployminator;
  publisher_actor publisher;
  std::uint64_t epoch = 0;
  /// Where events are published and progress is collected, for the `welcome`.
  std::string publish;
  std::string collect;
};

/// A connection of an agent.
struct agent_peer {
  machine_actor machine;
  /// Only to forget the connection when it is silent; the MACHINE keeps the real session.
  bus::peer_session session;
};

/// What SESSIONS remembers.
struct sessions_state {
  static inline constexpr const char* name = "sessions";
  sessions_config config;
  bus::socket_id orders = 0;
  /// The clients that said hello, by routing id.
  std::map<std::string, bus::peer_session> clients;
  /// The connections from which agents said hello, by routing id.
  std::map<std::string, agent_peer> agents;
  /// Every machine that ever said hello to this server, by name.
  std::map<std::string, machine_actor> machines;
};

sessions_actor::behavior_type sessions(sessions_actor::stateful_pointer<sessions_state> self,
                                       sessions_config config);

} // namespace deployminator::actors
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(deployminator::actors::sessions_config)
