#pragma once

#include <string>
#include <unordered_map>
#include <variant>

/// Keys of CURVE, ZeroMQ's encryption (RFC 26, CurveZMQ), as text of 40 characters (RFC 32, Z85).
namespace deployminator::bus {

struct key_pair {
  std::string public_key;
  std::string secret_key;
};

/// A random one, from the kernel's random numbers.
key_pair new_key_pair();

/// A server's own pair. Who else may connect it learns by `bus::trust`.
struct server_keys {
  key_pair own;
};

/// A client's or an agent's own pair, and the public key of the server that it talks to.
struct client_keys {
  key_pair own;
  std::string server_key;
  /// Another one that the server may have; empty: none. The bus finds out which it is.
  std::string other_server_key;
};

/// What a process encrypts its connections with; nothing: they are plain, and everybody may do
/// everything.
using keys = std::variant<std::monostate, server_keys, client_keys>;

/// What the holder of a key may connect to, besides taking orders and asking.
struct key_rights {
  /// It may read every event.
  bool watches = false;
  /// It may publish progress.
  bool is_agent = false;
  /// It was good once: nothing is allowed, and its holder is told so.
  bool is_revoked = false;
};

/// By public key.
using trusted_keys = std::unordered_map<std::string, key_rights>;

} // namespace deployminator::bus
