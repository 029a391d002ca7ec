#pragma once

#include <cstdint>
#include <string>

/// What an agent's settings are where nobody gives them.
namespace deployminator::configs {

/// `localhost` where the host's own name is none for a machine.
std::string host_name();

std::uint64_t machine_memory_mb();

} // namespace deployminator::configs
