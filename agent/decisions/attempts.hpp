#pragma once

#include <chrono>
#include <cstdint>
#include <optional>

namespace deployminator::agent {

/// The attempts at one download, which have no end while it is wanted: when the next one is.
class attempts {
public:
  /// `backoff`: the wait before the second, doubling with each that brought nothing new since one
  /// did, but not beyond `most_wait`. What a server asks for is heeded up to `most_asked`.
  attempts(std::chrono::milliseconds backoff, std::chrono::milliseconds most_wait,
           std::chrono::milliseconds most_asked)
    : backoff_(backoff), most_wait_(most_wait), most_asked_(most_asked) {}

  /// So many bytes were there before: no merit of an attempt.
  void begin_at(std::uint64_t bytes);

  /// An attempt broke off, with so many bytes there now. How long until the next, where the server
  /// asks for `asked`.
  std::chrono::milliseconds broken_off(std::uint64_t bytes, std::chrono::milliseconds asked
                                                            = std::chrono::milliseconds{0});

  /// How many broke off in a row.
  [[nodiscard]] int count() const {
    return count_;
  }

private:
  std::chrono::milliseconds backoff_;
  std::chrono::milliseconds most_wait_;
  std::chrono::milliseconds most_asked_;
  int count_ = 0;
  /// How much was there when an attempt last brought something new.
  std::uint64_t farthest_ = 0;
};

} // namespace deployminator::agent
