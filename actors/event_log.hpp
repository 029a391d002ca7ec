#pragma once

#include "messages/change.hpp"

namespace deployminator::actors {

/// Writes to the server's log what a stored change tells of orders and who gave them, of rollouts'
/// steps and ends, of instances that failed, and of keys.
void log_stored(const messages::change& c);

} // namespace deployminator::actors
