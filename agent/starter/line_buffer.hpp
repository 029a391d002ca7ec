#pragma once

#include <cstddef>

namespace deployminator::agent::starter {

/// A line that a program printed, without its line break, or a part of one.
struct piece {
  const char* text = nullptr;
  std::size_t size = 0;
  /// Whether a line break follows `text` in memory.
  bool is_ended = false;
  /// Whether the line goes on in the next piece.
  bool goes_on = false;
};

/// What was read from a program and is no whole line yet. A line that does not fit comes in pieces.
class line_buffer {
public:
  static constexpr std::size_t capacity = 4096;

  /// Where to read on to, `room` bytes, at least one while `next` has been asked for everything.
  /// What `next` gave is invalid from now on.
  char* space();
  [[nodiscard]] std::size_t room() const {
    return capacity - (end_ - begin_);
  }
  /// So many bytes were put there.
  void add(std::size_t size) {
    end_ += size;
  }

  /// The next whole line, or what is there of one that fills the buffer; false: there is none.
  bool next(piece& out);

  /// What is left of a line that has not ended, which `goes_on` or ends here; false: there is none.
  bool rest(piece& out, bool goes_on);

  [[nodiscard]] bool is_empty() const {
    return begin_ == end_;
  }

private:
  char bytes_[capacity];
  std::size_t begin_ = 0;
  /// Between `begin_` and here is no line break.
  std::size_t searched_ = 0;
  std::size_t end_ = 0;
  /// The last piece was one of a line that goes on.
  bool is_begun_ = false;
};

} // namespace deployminator::agent::starter
