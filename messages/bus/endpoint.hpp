#pragma once

#include "messages/endpoint.hpp"

#include <string>

namespace deployminator::bus {

/// An endpoint as the server names it, for somebody who reached the server at `server`: a server
/// that listens on every address of its machine (`*`, 0.0.0.0, [::]) does not know which one that
/// was.
std::string reachable(const std::string& endpoint, const std::string& server);

/// The endpoint as ZeroMQ can listen on it, which takes no names of hosts: `localhost` is
/// 127.0.0.1, any other name what the machine's resolver says, unless it is that of a network
/// interface. Fails where nobody knows the name.
messages::result<std::string> bind_address(const messages::endpoint& at);

} // namespace deployminator::bus
