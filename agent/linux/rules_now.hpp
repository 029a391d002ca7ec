#pragma once

#include "agent/linux/directories.hpp"
#include "messages/public_ports.hpp"
#include "messages/result.hpp"

#include <string>
#include <vector>

namespace deployminator::agent {

/// The packet filter's rules as an agent on these directories sets them now, by its journal and the
/// instances that run: a comment for each port, and a file for `nft -f`. Disturbs no agent that
/// runs there.
messages::result<std::string> rules_now(const directories& where,
                                        const std::vector<messages::public_port_entry>& entries);

} // namespace deployminator::agent
