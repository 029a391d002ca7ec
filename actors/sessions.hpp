#pragma once

#include "actors/decisions/key_rotation.hpp"
#include "actors/decisions/keyring.hpp"
#include "actors/interfaces.hpp"
#include "messages/bus/session.hpp"

#include <functional>
#include <map>
#include <optional>
#include <string>

namespace deployminator::actors {

/// What SESSIONS is given.
struct sessions_config {
  gateway_actor gateway;
  deployminator_actor deployminator;
  orders_actor orders;
  publisher_actor publisher;
  std::uint64_t epoch = 0;
  /// Where events are published and progress is collected, for the `welcome`.
  std::string publish;
  std::string collect;
  /// For the `welcome`.
  std::string store_id;
  /// Whoever connects has to have a key.
  bool asks_for_keys = false;
  std::function<messages::timestamp()> utc_now;
  /// From so many peers on they are asked for the calm pace.
  std::size_t calm_from = 0;
  outside_strategies_actor strategies;
};

/// A machine that ever said hello to this server.
struct known_machine {
  machine_actor actor;
  /// Its agent's connection; empty while there is none.
  std::string peer;
  /// Of the agent that is connected.
  std::string identity;
  /// When its agent said something last.
  messages::timestamp heard;
};

/// A connection that said hello.
struct connected_peer {
  bus::peer_session session;
  /// The public key that it proves; empty where no keys are used.
  std::string key;
  /// The agent's machine; null for a client.
  known_machine* machine = nullptr;
  /// The client has offered a strategy.
  bool offers = false;
};

/// What SESSIONS remembers.
struct sessions_state {
  static inline constexpr const char* name = "sessions";
  sessions_config config;
  bus::socket_id socket = 0;
  /// By routing id.
  std::map<std::string, connected_peer> peers;
  /// By name; a machine stays for as long as the server runs.
  std::map<std::string, known_machine> machines;
  keyring keys;
  key_rotation rotation;
  /// The requests that are not answered yet: by public key, or by peer where no keys are used.
  std::map<std::string, std::size_t> open_requests;
  std::size_t open_requests_in_all = 0;
  /// When the holder of a key said something last, by public key.
  std::map<std::string, messages::timestamp> last_seen;
  /// When the sessions were looked after last.
  bus::time_point last_look;
  /// The peers are so many that they are asked for the calm pace.
  bool is_calm = false;
};

/// Whom the bus lets in.
trusted_keys_ptr trusted(const keyring& keys);

sessions_actor::behavior_type sessions(sessions_actor::stateful_pointer<sessions_state> self,
                                       sessions_config config);

} // namespace deployminator::actors
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(deployminator::actors::sessions_config)
