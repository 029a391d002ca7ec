#include "messages/bus/handshake_failure.hpp"

#include <fmt/format.h>

namespace deployminator::bus {

using messages::failure_code;

messages::failure failure_of(handshake_failure why, const std::string& server,
                             const std::string& key) {
  switch (why) {
    case handshake_failure::unknown_key:
      return {failure_code::unknown_key,
              fmt::format("the server at {} does not know the key {}", server, key),
              "ask an operator for a key file: `deploy key new` makes one"};
    case handshake_failure::revoked_key:
      return {failure_code::revoked_key,
              fmt::format("the key {} was revoked by the server at {}", key, server),
              "ask an operator for another key file: `deploy key new` makes one"};
    case handshake_failure::other_server_key:
      return {
        failure_code::other_server_key,
        fmt::format("the server at {} has another key than the key file of {} expects", server,
                    key),
        "see that the address is right; if the server's key was rotated, put the new one into "
        "the key file as `server_key`: it is `public_key` in the server's server.key"};
    case handshake_failure::no_keys:
      break;
  }
  return {failure_code::other_server_key,
          fmt::format("the server at {} asks for no keys, or is no deployminator", server),
          "see that the address is right; --keys none talks to a server without keys"};
}

} // namespace deployminator::bus
