#pragma once

#include "agent/interfaces.hpp"
#include "messages/bus/session.hpp"

#include <cstddef>
#include <optional>
#include <string>
#include <vector>

namespace deployminator::agent {

/// The AGENT's connection to its server: the session and its sockets.
struct server_link {
  /// Tried in turn.
  std::vector<std::string> servers;
  std::size_t next_server = 0;
  actors::gateway_actor gateway;
  bus::client_session session;
  /// 0: none is open yet.
  bus::socket_id orders = 0;
  bus::socket_id progress = 0;
  /// Where `progress` leads.
  std::string collect;
  /// Counts the sockets asked for: the answer to an older request is not wanted any more.
  std::uint64_t attempt = 0;
  /// When the session wakes, and the number of that tick.
  std::optional<bus::time_point> wake;
  std::uint64_t tick = 0;
};

} // namespace deployminator::agent
