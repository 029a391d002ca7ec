#pragma once

#include "messages/result.hpp"

#include <string>

namespace deployminator::bus {

/// Why a connection does not come about, where keys are used. The socket goes on trying.
enum class handshake_failure {
  /// The server does not know our key, or does not let it read what is published there.
  unknown_key,
  /// It knew it once.
  revoked_key,
  /// It hung up: its key is another one than we were told, most likely. Where it may have two,
  /// both were tried.
  other_server_key,
  /// It asks for no keys, or is no server of ours.
  no_keys,
};

/// What a person is told of it. `server`: its endpoint. `key`: the name of our own.
messages::failure failure_of(handshake_failure why, const std::string& server,
                             const std::string& key);

} // namespace deployminator::bus
