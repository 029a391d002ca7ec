#pragma once

#include "messages/bus/backlog.hpp"
#include "messages/bus/curve.hpp"
#include "messages/bus/handshake_failure.hpp"
#include "messages/result.hpp"

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

namespace deployminator::bus {

/// What a socket is for; each stands for a ZeroMQ socket type.
enum class socket_kind {
  /// The server's end of orders and sessions (ROUTER, binds).
  orders_server,
  /// The other end (DEALER, connects).
  orders_client,
  /// Where the server publishes events (XPUB, binds).
  events_server,
  /// Where watchers get them (SUB to everything, connects).
  events_client,
  /// Where the server collects progress (SUB, binds).
  progress_server,
  /// Where agents publish it (PUB, connects).
  progress_client,
};

/// Names an open socket within its bus; never used twice.
using socket_id = std::uint64_t;

/// What arrived on a socket.
struct inbound {
  socket_id socket = 0;
  /// The connection it came over: ZeroMQ's generated routing id on `orders_server`, else empty.
  std::string peer;
  /// One message, to be decoded; empty, once per socket: the subscription of `events_client`
  /// stands, and whatever is published from now on arrives.
  std::string bytes;
  /// The public key of the other end, which the connection proves; empty where no keys are used.
  std::string key;
  /// On `orders_client`, instead of bytes.
  std::optional<handshake_failure> failed;
  /// On a server: to be kept until the message is worked through. Who keeps too many is given no
  /// more.
  backlog::ticket ticket;
};

/// All sockets of a process. Calls are quick and may come from any thread; a stopped bus ignores
/// them.
class bus {
public:
  virtual ~bus() = default;

  /// Opens a socket on an endpoint such as `tcp://127.0.0.1:4001`. Fails with one sentence where
  /// the endpoint is malformed, or bound already by another process.
  virtual messages::result<socket_id> open(socket_kind kind, const std::string& endpoint) = 0;

  /// Closes a socket; what was not sent yet is dropped.
  virtual void close(socket_id socket) = 0;

  /// Sends one message, to `peer` on `orders_server`. Never blocks: while the peer is not connected
  /// or does not read, the message is dropped, and so is one over `messages::max_message_bytes`.
  /// What must arrive is sent again until it is answered.
  virtual void send(socket_id socket, std::string peer, std::string bytes) = 0;

  /// Lets these keys in from now on, where keys are used, and cuts off the connections of all
  /// others. Before the first call everybody has to wait.
  virtual void trust(trusted_keys who) = 0;
};

/// Gets everything that arrives, on a thread of the bus; must not block.
using receiver = std::function<void(inbound)>;

} // namespace deployminator::bus
