#pragma once

#include "deploy-configs/settings.hpp"
#include "messages/access_key.hpp"
#include "messages/bus/curve.hpp"
#include "messages/result.hpp"
#include "messages/timestamp.hpp"

#include <optional>
#include <string>

namespace deployminator::actors {

/// Makes the server's key and the first operator's in the directory of keys; what to do next, for
/// people. Refused where either is there already.
messages::result<std::string> init_keys(const configs::server_settings& settings);

/// Makes the server's next key, which takes over after the time that the settings give, and writes
/// it into the server's key file; what to do next, for people. Refused while a rotation is under
/// way.
messages::result<std::string> rotate_key(const configs::server_settings& settings,
                                         messages::timestamp now);

/// What a server with these settings proves itself with, and lets in first.
struct own_keys {
  bus::keys keys;
  /// The public key of the first operator; empty without keys.
  std::string first_operator;
  /// What takes the place of `keys`, while a rotation is under way.
  std::optional<messages::next_server_key> next;
};

/// As of now: whether the next key has taken over is told by the time.
messages::result<own_keys> load_keys(const configs::server_settings& settings,
                                     messages::timestamp now);

/// Follows the server's key file, in which another process begins a rotation.
class key_watch {
public:
  key_watch(configs::server_settings settings, own_keys used)
    : settings_(std::move(settings)), used_(std::move(used)) {}

  /// What is new since the last look.
  struct news {
    /// The server is to prove itself with this.
    std::optional<bus::server_keys> taken;
    /// `next` is another one.
    bool is_announced = false;
    /// The file cannot be read now; told once.
    std::optional<messages::failure> unreadable;
  };

  /// A clock that was set back gives no former key back.
  news look(messages::timestamp now);

  /// What takes the key's place, while a rotation is under way.
  [[nodiscard]] const std::optional<messages::next_server_key>& next() const {
    return used_.next;
  }

private:
  configs::server_settings settings_;
  own_keys used_;
  messages::timestamp latest_;
  bool is_readable_ = true;
};

} // namespace deployminator::actors
