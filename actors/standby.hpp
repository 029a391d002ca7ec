#pragma once

#include "actors/server.hpp"
#include "messages/bus/bus.hpp"
#include "messages/failure.hpp"
#include "store/store.hpp"

#include <chrono>
#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>

namespace deployminator::actors {

/// How often a server that stands by asks whether it may lead.
inline constexpr std::chrono::seconds standby_interval{1};

/// The server with these settings; its `id` is the address in the kernel's terms. Called by main,
/// once the address is this process's: then whoever had it before is dead.
store::this_server identify(const std::string& listen);

/// A server that waits until it may lead, and tells those who call meanwhile. Used by main.
class standby {
public:
  /// What `config` points to must outlive it.
  standby(const server_config& config, bus::socket_id orders);

  /// The epoch, once this server leads; nothing while it stands by. A failure the first time, where
  /// the database cannot be asked; later ones are waited out.
  messages::result<std::optional<std::uint64_t>> try_to_lead();

  /// Something arrived over a socket. Called on the thread of the bus.
  void answer(const bus::inbound& in);

private:
  void stand_by(const messages::failure& why);
  void let_clients_in();

  const server_config& config_;
  bus::socket_id orders_;
  /// Until when the keys that are let in are new enough.
  int until_keys_ = 0;
  bool waits_ = false;
  std::mutex mutex_;
  /// Who leads, or what keeps this server from asking.
  messages::failure why_;
};

} // namespace deployminator::actors
