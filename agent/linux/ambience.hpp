#pragma once

#include "agent/outside.hpp"

namespace deployminator::agent {

/// The system's clock, and randomness seeded by the kernel. For any thread.
ambience system_ambience();

} // namespace deployminator::agent
