#pragma once

#include "messages/result.hpp"

#include <cstdint>
#include <string>

namespace deployminator::agent::unpack {

/// Gives up, for good and before a byte of a stranger's archive is read, what reading it does not
/// need: the agent's user where `uid` is not -1, the descriptors above 2, new processes and
/// programs, the network, memory beyond 2 GiB, and files above `most_bytes`. Ends with the agent.
/// The working directory is `directory` afterwards.
messages::result<void> confine(const std::string& directory, std::int64_t uid,
                               std::uint64_t most_bytes);

} // namespace deployminator::agent::unpack
