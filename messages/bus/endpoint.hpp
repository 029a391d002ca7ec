#pragma once

#include <string>

namespace deployminator::bus {

/// An endpoint as the server names it, for somebody who reached the server at `server`: a server
/// that listens on every address of its machine (`*`, 0.0.0.0, [::]) does not know which one that
/// was.
std::string reachable(const std::string& endpoint, const std::string& server);

} // namespace deployminator::bus
