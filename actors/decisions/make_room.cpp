#include "actors/decisions/placing_board.hpp"

#include <algorithm>
#include <deque>

namespace deployminator::actors {

namespace {

constexpr std::uint32_t no_number = std::numeric_limits<std::uint32_t>::max();

/// A search for a place for one instance: machine after machine, each reached by an application
/// that would come to it from the machine before.
class room_search {
public:
  explicit room_search(placing_board& board)
    : board_(board), from_(board.columns.size(), no_number), by_(board.columns.size(), no_number),
      is_dead_(board.columns.size()), on_(board.columns.size()) {
    for (std::uint32_t r = 0; r < board.rows.size(); ++r)
      for (const auto& each : board.rows[r].cells)
        if (each.now > 0)
          on_[each.machine].push_back(r);
  }

  /// Places one instance of the row, if need be by moving others.
  bool place_one(std::uint32_t r) {
    begin();
    visit_all(r, no_number);
    while (!queue_.empty()) {
      auto machine = queue_.front();
      queue_.pop_front();
      if (board_.columns[machine].has_room(board_.rows[by_[machine]].size)) {
        carry_out(machine);
        return true;
      }
      search_from(machine);
    }
    // No path leads on from here, whatever is placed later.
    for (auto each : reached_)
      is_dead_[each] = true;
    return false;
  }

private:
  void begin() {
    for (auto each : reached_)
      by_[each] = no_number;
    reached_.clear();
    queue_.clear();
    seen_rows_.assign(board_.rows.size(), false);
  }

  void visit_all(std::uint32_t r, std::uint32_t from) {
    const auto& app = board_.rows[r];
    seen_rows_[r] = true;
    for (auto each : board_.areas[app.area].open) {
      if (by_[each] != no_number || is_dead_[each] || app.on(each) >= app.at_most)
        continue;
      by_[each] = r;
      from_[each] = from;
      reached_.push_back(each);
      queue_.push_back(each);
    }
  }

  void search_from(std::uint32_t machine) {
    const auto& column = board_.columns[machine];
    auto incoming = board_.rows[by_[machine]].size;
    for (auto r : on_[machine]) {
      const auto& app = board_.rows[r];
      bool frees_enough = column.memory + incoming <= column.capacity + app.size;
      if (!seen_rows_[r] && frees_enough && app.on(machine) > 0)
        visit_all(r, machine);
    }
  }

  void carry_out(std::uint32_t machine) {
    while (machine != no_number) {
      auto r = by_[machine];
      auto from = from_[machine];
      board_.put(board_.rows[r], machine, 1);
      auto& here = on_[machine];
      if (std::find(here.begin(), here.end(), r) == here.end())
        here.insert(std::upper_bound(here.begin(), here.end(), r), r);
      if (from != no_number)
        board_.put(board_.rows[r], from, -1);
      machine = from;
    }
  }

  placing_board& board_;
  /// By machine: the one before it, and the row that would come from there.
  std::vector<std::uint32_t> from_;
  std::vector<std::uint32_t> by_;
  std::vector<bool> is_dead_;
  /// By machine: rows that have instances on it, or had.
  std::vector<std::vector<std::uint32_t>> on_;
  std::vector<bool> seen_rows_;
  std::vector<std::uint32_t> reached_;
  std::deque<std::uint32_t> queue_;
};

} // namespace

void make_room(placing_board& board) {
  if (board.rules.overcommit_percent == 0)
    return;
  std::vector<std::uint32_t> order;
  for (std::uint32_t r = 0; r < board.rows.size(); ++r)
    if (board.rows[r].missing() > 0)
      order.push_back(r);
  if (order.empty())
    return;
  // What leads nowhere for a small one leads nowhere for a large one.
  std::stable_sort(order.begin(), order.end(),
                   [&](auto a, auto b) { return board.rows[a].size < board.rows[b].size; });
  room_search search{board};
  for (auto each : order)
    while (board.rows[each].missing() > 0 && search.place_one(each)) {
      // nop
    }
}

} // namespace deployminator::actors
