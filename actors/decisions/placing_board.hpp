#pragma once

#include "actors/decisions/least_loaded.hpp"
#include "actors/decisions/redistribute.hpp"

#include <cstdint>
#include <limits>
#include <utility>
#include <vector>

namespace deployminator::actors {

/// Whether the machine is one of those that the application may be on.
bool may_have(const placing_machine& machine, const wanted_application& app);

/// The question of `redistribute` with numbers for names, in their order, and the placement in the
/// making.
struct placing_board {
  static constexpr std::uint64_t no_limit = std::numeric_limits<std::uint32_t>::max();

  /// An application's instances on a machine.
  struct cell {
    std::uint32_t machine = 0;
    /// As it was found, pending ones included; and as it shall be, of legal ones.
    std::uint64_t before = 0;
    std::uint64_t now = 0;
    std::uint64_t pending = 0;
  };

  /// An application.
  struct row {
    const wanted_application* asked = nullptr;
    std::uint64_t wanted = 0;
    std::uint64_t at_most = no_limit;
    std::uint64_t size = 0;
    std::size_t area = 0;
    /// 32 bits of its name: where on its area it begins, as a share of the whole.
    std::uint64_t start = 0;
    /// By machine.
    std::vector<cell> cells;
    std::uint64_t placed = 0;

    [[nodiscard]] std::uint64_t missing() const {
      return wanted > placed ? wanted - placed : 0;
    }
    [[nodiscard]] std::uint64_t on(std::uint32_t machine) const;
    /// Changes `now` on the machine, and `placed`; the cell is made where there is none.
    void add(std::uint32_t machine, std::int64_t count);
  };

  /// A machine.
  struct column {
    const placing_machine* asked = nullptr;
    std::uint64_t instances = 0;
    std::uint64_t memory = 0;
    std::uint64_t capacity = std::numeric_limits<std::uint64_t>::max();
    /// Where it is in the areas it is part of: area and place.
    std::vector<std::pair<std::size_t, std::uint32_t>> places;

    [[nodiscard]] bool has_room(std::uint64_t size) const {
      return memory + size <= capacity;
    }
  };

  /// The machines that applications with the same machine groups may be on.
  struct area {
    /// Those that take instances.
    std::vector<std::uint32_t> open;
    std::vector<bool> legal;
    least_loaded loads;
  };

  placing_board(const std::vector<wanted_application>& wanted,
                const std::vector<placing_machine>& machines,
                const std::vector<standing_count>& current,
                const std::vector<standing_count>& pending, const placement_rules& rules);

  /// Puts so many more of the row onto the machine, or fewer.
  void put(row& app, std::uint32_t machine, std::int64_t count);

  /// How many are wanted and not placed.
  [[nodiscard]] std::uint64_t missing() const;

  std::vector<row> rows;
  std::vector<column> columns;
  std::vector<area> areas;
  placement_rules rules;
  /// Zeros, for whoever needs a number for each place for a while.
  std::vector<std::uint64_t> scratch;

private:
  std::size_t area_for(const wanted_application& app);
  void read(const std::vector<standing_count>& counts, bool are_pending);
  void settle_what_is_there(row& app);

  /// Of applications that nobody wants.
  std::vector<wanted_application> unwanted_;
  std::vector<std::pair<std::pair<std::vector<std::string>, std::vector<std::string>>, std::size_t>>
    known_areas_;
};

/// Places what is missing, where it is least in the way; takes away what is too much.
void fill(placing_board& board);

/// Places what is missing still by moving others, along augmenting paths.
void make_room(placing_board& board);

/// Moves single instances as long as that makes the balance better; whether it moved any.
bool even_out(placing_board& board);

/// Finds the best placement there is, by cancelling cycles that cost less than nothing; whether it
/// changed anything.
bool find_best(placing_board& board);

} // namespace deployminator::actors
