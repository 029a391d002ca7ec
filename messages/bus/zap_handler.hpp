#pragma once

#include "messages/bus/bus.hpp"
#include "messages/bus/curve.hpp"

#include <zmq.hpp>

#include <optional>
#include <string>

namespace deployminator::bus {

/// Decides for libzmq who may connect (RFC 27, ZAP): every handshake asks it. Belongs to the I/O
/// thread. The connection's User-Id is the public key that its handshake proved.
class zap_handler {
public:
  /// Must be there before the first socket that asks for keys is opened.
  explicit zap_handler(zmq::context_t& context);

  /// Who is let in from now on. Handshakes wait until this is called first.
  void trust(trusted_keys who);

  /// Whether `trust` was called: then `socket` may be polled and `answer_all` called.
  [[nodiscard]] bool is_ready() const {
    return known_.has_value();
  }

  /// Whether the holder of the key may talk on a socket of this kind, now.
  [[nodiscard]] bool allows(const std::string& public_key, socket_kind kind) const;

  /// Answers the handshakes that wait.
  void answer_all();

  [[nodiscard]] zmq::socket_ref socket() {
    return questions_;
  }

private:
  [[nodiscard]] std::string status_for(const std::string& public_key,
                                       const std::string& domain) const;

  /// What the key's holder may; nothing for an unknown key.
  [[nodiscard]] const key_rights* rights_of(const std::string& public_key) const;

  zmq::socket_t questions_;
  std::optional<trusted_keys> known_;
};

/// The ZAP domain of the sockets of a kind.
const char* zap_domain_of(socket_kind kind);

} // namespace deployminator::bus
