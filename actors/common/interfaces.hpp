#pragma once

#include "messages/bus/bus.hpp"
#include "messages/wire.hpp"

#include <caf/all.hpp>

#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace deployminator::common {

/// A message with its envelope, shared between actors.
using envelope_ptr = std::shared_ptr<const messages::envelope>;

/// A message that came in over a socket.
struct received {
  bus::socket_id socket = 0;
  /// Routing id of the sender on `orders_server`, else empty.
  std::string peer;
  /// Null: the subscription of the socket stands (see `bus::inbound`).
  envelope_ptr envelope;
  /// The public key that its connection proves; empty where no keys are used.
  std::string key;
  /// Instead of an envelope: why there is no connection.
  std::optional<bus::handshake_failure> failed;
  /// See `bus::inbound`: kept by who works on the message.
  bus::backlog::ticket ticket;
};

using trusted_keys_ptr = std::shared_ptr<const bus::trusted_keys>;

/// Routing ids.
using peers_ptr = std::shared_ptr<const std::vector<std::string>>;

} // namespace deployminator::common

CAF_ALLOW_UNSAFE_MESSAGE_TYPE(deployminator::bus::inbound)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(deployminator::bus::socket_kind)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(deployminator::common::envelope_ptr)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(deployminator::common::received)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(deployminator::common::peers_ptr)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(deployminator::common::trusted_keys_ptr)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(deployminator::messages::failure)

CAF_BEGIN_TYPE_ID_BLOCK(deployminator_common, caf::first_custom_type_id)
  CAF_ADD_ATOM(deployminator_common, deployminator::atom, attach, "attach")
  CAF_ADD_ATOM(deployminator_common, deployminator::atom, deliver, "deliver")
  CAF_ADD_ATOM(deployminator_common, deployminator::atom, dispatch, "dispatch")
  CAF_ADD_ATOM(deployminator_common, deployminator::atom, open, "open")
  CAF_ADD_ATOM(deployminator_common, deployminator::atom, shut, "shut")
  CAF_ADD_ATOM(deployminator_common, deployminator::atom, tick, "tick")
  CAF_ADD_ATOM(deployminator_common, deployminator::atom, trust, "trust")
CAF_END_TYPE_ID_BLOCK(deployminator_common)

/// What the actors of server and agent share.
namespace deployminator::common {

/// Where the agent's type ids begin; the server's, fewer than 100, come before. So both can live in
/// one program, as they do when a whole farm is simulated.
inline constexpr caf::type_id_t first_agent_type_id
  = caf::id_block::deployminator_common::end + 100;

/// Gets the messages that come in over the sockets of a gateway.
using receiver_actor = caf::typed_actor<
  /// A message from outside, decoded and within the limits.
  caf::reacts_to<atom::deliver, received>>;

/// The GATEWAY: face of the one I/O thread that owns all sockets. Bytes there, messages here.
using gateway_actor = caf::typed_actor<
  /// Names who gets what arrives from now on; before, it is dropped.
  caf::reacts_to<atom::attach, receiver_actor>,
  /// Names a socket that was opened before the actor was there.
  caf::reacts_to<atom::attach, bus::socket_id, bus::socket_kind>,
  /// From the I/O thread: bytes arrived. What cannot be decoded is answered with a `refusal`.
  caf::reacts_to<bus::inbound>,
  /// Sends a message to `peer` (empty but on `orders_server`) over a socket. May be lost.
  caf::reacts_to<atom::dispatch, bus::socket_id, std::string, envelope_ptr>,
  /// Sends one message to each of these peers.
  caf::reacts_to<atom::dispatch, bus::socket_id, peers_ptr, envelope_ptr>,
  /// Closes a socket.
  caf::reacts_to<atom::shut, bus::socket_id>,
  /// Lets these keys in from now on, and no others.
  caf::reacts_to<atom::trust, trusted_keys_ptr>,
  /// Opens a socket; fails with the bus's sentence.
  caf::replies_to<atom::open, bus::socket_kind, std::string>::with<bus::socket_id>>;

} // namespace deployminator::common
