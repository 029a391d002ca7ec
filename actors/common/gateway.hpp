#pragma once

#include "actors/common/interfaces.hpp"

#include <map>

namespace deployminator::common {

/// What the GATEWAY remembers.
struct gateway_state {
  static inline constexpr const char* name = "gateway";
  bus::bus* sockets = nullptr;
  receiver_actor receiver;
  /// The open sockets.
  std::map<bus::socket_id, bus::socket_kind> kinds;
};

/// `sockets` must outlive the actor; its receiver must send what arrives to this actor.
gateway_actor::behavior_type gateway(gateway_actor::stateful_pointer<gateway_state> self,
                                     bus::bus* sockets);

} // namespace deployminator::common
