#pragma once

#include <chrono>
#include <cstdint>
#include <optional>

namespace deployminator::agent {

/// The attempts at one download: whether there is another, and when. Those count that brought
/// nothing new since one did.
class attempts {
public:
  /// `most`: so many in a row; `backoff`: the wait before the second, doubling with each.
  attempts(int most, std::chrono::milliseconds backoff) : most_(most), backoff_(backoff) {}

  /// So many bytes were there before: no merit of an attempt.
  void begin_at(std::uint64_t bytes);

  /// An attempt broke off, with so many bytes there now. How long until the next; nothing: that was
  /// the last.
  std::optional<std::chrono::milliseconds> broken_off(std::uint64_t bytes);

  /// How many broke off in a row.
  [[nodiscard]] int count() const {
    return count_;
  }

private:
  int most_;
  std::chrono::milliseconds backoff_;
  int count_ = 0;
  /// How much was there when an attempt last brought something new.
  std::uint64_t farthest_ = 0;
};

} // namespace deployminator::agent
