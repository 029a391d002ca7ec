#pragma once

#include "messages/bus/bus.hpp"

#include <zmq.hpp>

#include <cstdint>
#include <optional>

namespace deployminator::bus {

/// Learns why the connections of one socket do not come about.
class handshake_monitor {
public:
  /// The socket connects after this, and must outlive it. `number`: never used twice in a context.
  handshake_monitor(zmq::context_t& context, zmq::socket_t& watched, std::uint64_t number);
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
