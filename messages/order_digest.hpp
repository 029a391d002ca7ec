#pragma once

#include "messages/wire.hpp"

#include <cstdint>

namespace deployminator::messages {

/// Of what an order asks for, without its id: tells an order that is repeated from another one
/// under the same id.
std::uint64_t digest_of(const order& o);

} // namespace deployminator::messages
