#pragma once

#include "cli/interruption.hpp"
#include "messages/bus/bus.hpp"

#include <chrono>
#include <mutex>
#include <vector>

namespace deployminator::cli {

/// Where the bus's thread puts what arrives, and the program's thread waits for it.
class inbox {
public:
  explicit inbox(const interruption& stop);

  /// Called on the bus's thread.
  void put(bus::inbound in);

  /// What has arrived; waits for it until then at most, or until the user stops the program.
  std::vector<bus::inbound> take(std::chrono::steady_clock::time_point until);

private:
  std::vector<bus::inbound> take_all();

  const interruption& stop_;
  std::mutex mutex_;
  std::vector<bus::inbound> arrived_;
};

} // namespace deployminator::cli
