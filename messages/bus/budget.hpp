#pragma once

#include <chrono>
#include <cstddef>
#include <string>
#include <unordered_map>

namespace deployminator::bus {

/// What the holder of a key may send: a second's worth is granted each second, and saved up.
struct allowance {
  double messages_per_second = 1'000;
  double most_messages = 4'000;
  double bytes_per_second = 8 << 20;
  /// More than the largest message.
  double most_bytes = 64 << 20;
};

/// Counts what the holders of keys send, over all their connections (a token bucket for each).
class budget {
public:
  using time_point = std::chrono::steady_clock::time_point;

  explicit budget(const allowance& each = {}) : each_(each) {}

  /// Takes a message of this size from what is left; false where it is too much.
  bool spend(const std::string& key, std::size_t bytes, time_point now);

private:
  struct account {
    double messages;
    double bytes;
    time_point updated;
  };

  allowance each_;
  std::unordered_map<std::string, account> accounts_;
};

} // namespace deployminator::bus
