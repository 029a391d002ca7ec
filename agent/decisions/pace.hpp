#pragma once

#include <chrono>
#include <cstdint>
#include <deque>
#include <optional>

namespace deployminator::agent {

enum class transfer_speed { brisk, slow, dripping };

/// How fast one transfer moves on. Only bytes that were never there before count, whatever was
/// begun anew. Before the first look nothing is said about it.
class pace {
public:
  using moment = std::chrono::steady_clock::time_point;

  /// So much a second, at least, is moving; below that is dripping.
  static constexpr std::uint64_t least = 1024;
  /// Below so much a second is slow: others need not wait for it.
  static constexpr std::uint64_t brisk = 64 * 1024;
  /// A transfer that was below either for so long is slow, or drips.
  static constexpr std::chrono::seconds slow_after{10};
  /// One that did not move for so long is stuck.
  static constexpr std::chrono::seconds stuck_after{60};
  /// One of which nothing came at all is stuck after so long.
  static constexpr std::chrono::seconds silent_after{2};

  /// `begin`: so many bytes are there already.
  explicit pace(std::uint64_t begin = 0) : begin_(begin) {}

  /// So many bytes are there now. Called about once a second.
  void look(moment now, std::uint64_t bytes);

  [[nodiscard]] transfer_speed speed() const;
  [[nodiscard]] bool is_stuck() const;

private:
  struct mark {
    moment at;
    std::uint64_t bytes = 0;
  };

  /// Whether it was below so much a second in the time up to the last look.
  [[nodiscard]] bool is_below(std::uint64_t rate, std::chrono::seconds time) const;

  /// The looks within `stuck_after`, and one before.
  std::deque<mark> marks_;
  std::optional<moment> first_look_;
  std::uint64_t begin_;
};

} // namespace deployminator::agent
