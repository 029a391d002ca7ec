#include "messages/bus/handshake_monitor.hpp"

#include <fmt/format.h>

#include <cstring>

namespace deployminator::bus {

namespace {

/// As `zap_handler` gives them.
constexpr std::uint32_t status_of_revoked_key = 500;

std::optional<handshake_failure> failure_of(std::uint16_t event, std::uint32_t value) {
  switch (event) {
    case ZMQ_EVENT_HANDSHAKE_FAILED_AUTH:
      return value == status_of_revoked_key ? handshake_failure::revoked_key
                                            : handshake_failure::unknown_key;
    case ZMQ_EVENT_HANDSHAKE_FAILED_PROTOCOL:
      return value == ZMQ_PROTOCOL_ERROR_ZMTP_MECHANISM_MISMATCH
               ? handshake_failure::no_keys
               : handshake_failure::other_server_key;
    case ZMQ_EVENT_HANDSHAKE_FAILED_NO_DETAIL:
      // A server that cannot read what was sealed for another key hangs up.
      return handshake_failure::other_server_key;
    default:
      return std::nullopt;
  }
}

} // namespace

handshake_monitor::handshake_monitor(zmq::context_t& context, zmq::socket_t& watched,
                                     std::uint64_t number)
  : watched_(watched.handle()), reports_(context, zmq::socket_type::pair) {
  auto address = fmt::format("inproc://handshakes-{}", number);
  constexpr int events = ZMQ_EVENT_HANDSHAKE_FAILED_AUTH | ZMQ_EVENT_HANDSHAKE_FAILED_PROTOCOL
                         | ZMQ_EVENT_HANDSHAKE_FAILED_NO_DETAIL;
  if (zmq_socket_monitor(watched_, address.c_str(), events) != 0)
    throw zmq::error_t{};
  reports_.set(zmq::sockopt::linger, 0);
  reports_.connect(address);
}

handshake_monitor::~handshake_monitor() {
  // Before the reader goes: libzmq would wait for another one.
  zmq_socket_monitor(watched_, nullptr, 0);
}

std::optional<handshake_failure> handshake_monitor::next() {
  std::optional<handshake_failure> out;
  try {
    zmq::message_t frame;
    while (reports_.recv(frame, zmq::recv_flags::dontwait)) {
      // The first frame: the event in 16 bits, its value in 32; the second: the endpoint.
      std::uint16_t event = 0;
      std::uint32_t value = 0;
      if (frame.more() && frame.size() == sizeof event + sizeof value) {
        std::memcpy(&event, frame.data(), sizeof event);
        std::memcpy(&value, static_cast<const char*>(frame.data()) + sizeof event, sizeof value);
        if (auto failed = failure_of(event, value))
          out = failed;
      }
    }
  } catch (const zmq::error_t&) {
    // Interrupted: what is left is read with the next poll.
  }
  return out;
}

} // namespace deployminator::bus
