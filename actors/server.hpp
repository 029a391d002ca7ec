#pragma once

#include "actors/decisions/retention.hpp"
#include "actors/decisions/silence.hpp"
#include "actors/interfaces.hpp"
#include "messages/result.hpp"
#include "store/store.hpp"

#include <functional>
#include <map>
#include <string>
#include <vector>

namespace deployminator::actors {

/// The outside of a server; main and tests own what it points to for longer than the actors live.
struct server_config {
  store::store* database = nullptr;
  bus::bus* sockets = nullptr;
  std::string listen = "tcp://127.0.0.1:4001";
  std::string publish = "tcp://127.0.0.1:4002";
  std::string collect = "tcp://127.0.0.1:4003";
  /// Ask everybody who connects for a key that the store knows.
  bool asks_for_keys = false;
  /// The public key of the operator who set the server up, let in from the first start on.
  std::string first_operator;
  /// The store blocks, so the REGISTRAR has a thread of its own; not under a deterministic
  /// scheduler.
  bool detached_registrar = true;
  std::function<messages::timestamp()> utc_now;
  /// For ids; uniform over all values.
  std::function<std::uint64_t()> random;
  /// From so many peers on they are asked for the calm pace.
  std::size_t calm_from = 2000;
  /// How many versions of a group are kept, those that run aside.
  std::size_t kept_versions = usual_kept_versions;
  /// Instances are promised at most so many percent of their machine's memory; 0: it is not
  /// counted.
  std::uint64_t overcommit_percent = 0;
  /// When what ran on silent machines is placed elsewhere.
  silence_rules silence;
};

/// The actors of a running server.
struct server {
  gateway_actor gateway;
  registrar_actor registrar;
  sessions_actor sessions;
  planner_actor planner;
  std::uint64_t epoch = 0;
  /// All of them, in the order in which they are to end.
  std::vector<caf::actor> all;
};

/// The sockets of a server, by what they are for.
using server_sockets = std::map<bus::socket_kind, bus::socket_id>;

/// Opens the three sockets. Before the store is asked who leads: a server whose address is taken
/// must not take over.
messages::result<server_sockets> open_sockets(const server_config& config);

/// Spawns the actors of the server that leads, in the epoch that the store has begun. What the
/// sockets get is to be sent to `gateway`.
messages::result<server> spawn_server(caf::actor_system& system, const server_config& config,
                                      const server_sockets& sockets, std::uint64_t epoch);

} // namespace deployminator::actors
