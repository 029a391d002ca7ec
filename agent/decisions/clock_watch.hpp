#pragma once

#include "agent/decisions/trouble_book.hpp"

#include <cstdint>

namespace deployminator::agent {

/// Whether the machine's clock goes with the server's, as the server's heartbeats tell.
class clock_watch {
public:
  /// A heartbeat that the server sent at `server`, by its clock, came at `here`. Returns what is
  /// wrong with the clock now.
  troubles see(messages::timestamp server, messages::timestamp here);

private:
  /// The heartbeats in a row that told that the clock is off.
  std::uint32_t off_ = 0;
  troubles now_;
};

} // namespace deployminator::agent
