#pragma once

#include "agent/starter/segment_name.hpp"

#include <cstdint>

namespace deployminator::agent::starter {

/// The files that a log consists of, each named by the number of bytes that were written before it:
/// so a place in the log means the same for ever, however many of its files are gone. Decides when
/// a new file is begun and which are too much. Plain values.
class segments {
public:
  static constexpr unsigned most = 64;

  /// `limit`: what all files together may have, in bytes.
  explicit segments(std::uint64_t limit = 0) : limit_(limit) {}

  /// Takes up a file that is there already, in any order. Returns one that is to go, which may be
  /// this one, or `no_start` while there are not too many.
  std::uint64_t add(std::uint64_t start);

  [[nodiscard]] bool is_empty() const {
    return count_ == 0;
  }
  /// Where the newest file begins.
  [[nodiscard]] std::uint64_t newest() const {
    return starts_[count_ - 1];
  }
  /// The size of the newest file.
  [[nodiscard]] std::uint64_t size() const {
    return size_;
  }
  void grow(std::uint64_t by) {
    size_ += by;
  }

  /// Whether so many bytes more belong into a new file.
  [[nodiscard]] bool wants_new(std::uint64_t more) const;
  /// Where that begins.
  [[nodiscard]] std::uint64_t next() const {
    return is_empty() ? 0 : newest() + size_;
  }
  /// It is there, and empty.
  void begin_next();

  /// Takes out the oldest file if with so many bytes more all would have too much, but never the
  /// newest; else `no_start`. To be asked again.
  std::uint64_t take_surplus(std::uint64_t more);

private:
  void take_oldest();

  std::uint64_t limit_;
  std::uint64_t starts_[most] = {};
  unsigned count_ = 0;
  std::uint64_t size_ = 0;
};

} // namespace deployminator::agent::starter
