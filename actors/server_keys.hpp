#pragma once

#include "deploy-configs/settings.hpp"
#include "messages/bus/curve.hpp"
#include "messages/result.hpp"

#include <string>

namespace deployminator::actors {

/// Makes the server's key and the first operator's in the directory of keys; what to do next, for
/// people. Refused where either is there already.
messages::result<std::string> init_keys(const configs::server_settings& settings);

/// What a server with these settings proves itself with, and lets in first.
struct own_keys {
  bus::keys keys;
  /// The public key of the first operator; empty without keys.
  std::string first_operator;
};

messages::result<own_keys> load_keys(const configs::server_settings& settings);

} // namespace deployminator::actors
