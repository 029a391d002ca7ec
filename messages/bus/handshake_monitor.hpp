#pragma once

#include "messages/bus/bus.hpp"

#include <zmq.hpp>

#include <optional>

namespace deployminator::bus {

/// Learns why the connections of one socket do not come about.
class handshake_monitor {
public:
  /// `id`: of the socket, which connects after this, and must outlive it.
  handshake_monitor(zmq::context_t& context, zmq::socket_t& watched, socket_id id);
  handshake_monitor(const handshake_monitor&) = delete;
  handshake_monitor& operator=(const handshake_monitor&) = delete;
  ~handshake_monitor();

  /// What has failed since the last call; the last of several.
  std::optional<handshake_failure> next();

  [[nodiscard]] zmq::socket_ref socket() {
    return reports_;
  }

private:
  void* watched_;
  zmq::socket_t reports_;
};

} // namespace deployminator::bus
