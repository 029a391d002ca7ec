#pragma once

#include "actors/decisions/placing_board.hpp"

#include <optional>

namespace deployminator::actors {

/// One application while its instances are put on the machines of its area that have the fewest of
/// it, and of these the fewest of all.
class spreading {
public:
  spreading(placing_board& board, placing_board::row& app);
  spreading(const spreading&) = delete;
  spreading& operator=(const spreading&) = delete;
  ~spreading();

  /// Where the next one goes: a place of the area; nothing where no machine takes one.
  std::optional<std::uint32_t> next();

  void give(std::uint32_t place);
  /// Takes one away, from where there are more than where the next one goes.
  void take(std::uint32_t place);

  /// Places that have instances of it.
  [[nodiscard]] std::vector<std::uint32_t> used() const;

  [[nodiscard]] std::uint64_t own(std::uint32_t place) const {
    return own_[place];
  }
  [[nodiscard]] std::uint64_t load(std::uint32_t place) const;

private:
  placing_board::column& column(std::uint32_t place) const;
  bool rise();
  void touch(std::uint32_t place);
  void tell_others(std::uint32_t place);

  placing_board& board_;
  placing_board::row& app_;
  placing_board::area& area_;
  /// By place.
  std::vector<std::uint64_t>& own_;
  /// Places whose numbers in the area's tree are not the loads: blocked, or of this level.
  std::vector<std::uint32_t> touched_;
  std::uint64_t level_ = 0;
};

} // namespace deployminator::actors
