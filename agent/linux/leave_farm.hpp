#pragma once

#include "agent/linux/directories.hpp"
#include "messages/result.hpp"

#include <string>

namespace deployminator::agent {

/// Makes the agent of these directories forget which server's store it obeys, and everything that
/// it was told; its instances are ended by its next start. What was done, for people. Refused
/// while an agent runs there.
messages::result<std::string> leave_farm(const directories& where);

} // namespace deployminator::agent
