#include "actors/decisions/placing_board.hpp"

#include <algorithm>
#include <array>
#include <optional>

namespace deployminator::actors {

namespace {

/// Costs in the order in which they matter, the first before all others.
using cost = std::array<std::int64_t, 3>;

cost operator+(const cost& a, const cost& b) {
  return {a[0] + b[0], a[1] + b[1], a[2] + b[2]};
}

struct arc {
  std::uint32_t from = 0;
  std::uint32_t to = 0;
  cost price{};
};

/// A flow of instances from applications over machines to one sink, as a graph of what can still be
/// changed in it without placing more or less of any. Its costs grow with each instance more on an
/// arc, so a flow without a cycle of negative cost is the best.
class flow {
public:
  explicit flow(placing_board& board) : board_(board) {
    for (std::uint32_t r = 0; r < board.rows.size(); ++r)
      if (!board.rows[r].asked->per_machine && !board.rows[r].asked->packs
          && board.rows[r].wanted > 0)
        rows_.push_back(r);
    movable_.resize(board.columns.size());
    for (auto r : rows_)
      for (auto m : board.areas[board.rows[r].area].open)
        movable_[m] += board.rows[r].on(m);
    sink_ = static_cast<std::uint32_t>(rows_.size() + board.columns.size());
  }

  [[nodiscard]] bool is_exact() const {
    auto size = [&](std::uint32_t r) { return board_.rows[r].size; };
    bool alike = std::all_of(rows_.begin(), rows_.end(),
                             [&](auto r) { return size(r) == size(rows_.front()); });
    return !rows_.empty() && (board_.rules.overcommit_percent == 0 || alike);
  }

  /// Whether a cycle was found that makes the placement better.
  bool improve() {
    collect_arcs();
    auto cycle = negative_cycle();
    for (const auto& each : cycle)
      follow(each);
    return !cycle.empty();
  }

private:
  [[nodiscard]] cost price(std::int64_t moves, std::int64_t own, std::int64_t load) const {
    if (board_.rules.even_out)
      return {own, load, moves};
    return {moves, own, load};
  }

  [[nodiscard]] std::uint32_t node_of(std::uint32_t machine) const {
    return static_cast<std::uint32_t>(rows_.size()) + machine;
  }

  void collect_arcs() {
    arcs_.clear();
    for (std::uint32_t i = 0; i < rows_.size(); ++i)
      collect_arcs_of(i);
    auto size = board_.rows[rows_.front()].size;
    for (std::uint32_t m = 0; m < board_.columns.size(); ++m) {
      const auto& column = board_.columns[m];
      auto load = static_cast<std::int64_t>(column.instances);
      if (column.has_room(size))
        arcs_.push_back({node_of(m), sink_, price(0, 0, 2 * load + 1)});
      if (movable_[m] > 0)
        arcs_.push_back({sink_, node_of(m), price(0, 0, 1 - 2 * load)});
    }
  }

  void collect_arcs_of(std::uint32_t i) {
    const auto& app = board_.rows[rows_[i]];
    for (auto m : board_.areas[app.area].open) {
      auto here = std::lower_bound(app.cells.begin(), app.cells.end(), m,
                                   [](const auto& each, auto k) { return each.machine < k; });
      bool is_known = here != app.cells.end() && here->machine == m;
      auto now = is_known ? static_cast<std::int64_t>(here->now) : 0;
      auto before = is_known ? static_cast<std::int64_t>(here->before) : 0;
      // One that has more than it has memory for takes nothing, not even in exchange.
      bool is_overfull = board_.columns[m].memory > board_.columns[m].capacity;
      if (now < static_cast<std::int64_t>(app.at_most) && !is_overfull)
        arcs_.push_back({i, node_of(m), price(now < before ? -1 : 0, 2 * now + 1, 0)});
      if (now > 0)
        arcs_.push_back({node_of(m), i, price(now <= before ? 1 : 0, 1 - 2 * now, 0)});
    }
  }

  /// Bellman and Ford; a cycle in the arcs by which nodes were reached cheapest is a negative one.
  std::vector<arc> negative_cycle() {
    std::vector<cost> distance(sink_ + 1);
    std::vector<std::optional<std::size_t>> reached_by(sink_ + 1);
    for (bool changed = true; changed;) {
      changed = false;
      for (std::size_t a = 0; a < arcs_.size(); ++a) {
        auto reached = distance[arcs_[a].from] + arcs_[a].price;
        if (!(reached < distance[arcs_[a].to]))
          continue;
        distance[arcs_[a].to] = reached;
        reached_by[arcs_[a].to] = a;
        changed = true;
      }
      if (auto out = cycle_in(reached_by); !out.empty())
        return out;
    }
    return {};
  }

  [[nodiscard]] std::vector<arc>
  cycle_in(const std::vector<std::optional<std::size_t>>& reached_by) const {
    std::vector<std::uint32_t> walk_of(reached_by.size());
    for (std::uint32_t start = 0; start < reached_by.size(); ++start) {
      auto node = start;
      while (walk_of[node] == 0 && reached_by[node]) {
        walk_of[node] = start + 1;
        node = arcs_[*reached_by[node]].from;
      }
      if (walk_of[node] != start + 1 || !reached_by[node])
        continue;
      std::vector<arc> out;
      auto first = node;
      do {
        out.push_back(arcs_[*reached_by[node]]);
        node = out.back().from;
      } while (node != first);
      return out;
    }
    return {};
  }

  /// Changes the flow by one instance along the arc.
  void follow(const arc& each) {
    auto rows = static_cast<std::uint32_t>(rows_.size());
    auto is_machine = [&](std::uint32_t node) { return node >= rows && node < sink_; };
    if (each.from < rows && is_machine(each.to)) {
      board_.put(board_.rows[rows_[each.from]], each.to - rows, 1);
      ++movable_[each.to - rows];
    } else if (each.to < rows && is_machine(each.from)) {
      board_.put(board_.rows[rows_[each.to]], each.from - rows, -1);
      --movable_[each.from - rows];
    }
  }

  placing_board& board_;
  std::vector<std::uint32_t> rows_;
  /// By machine: instances of these rows on it.
  std::vector<std::uint64_t> movable_;
  std::uint32_t sink_ = 0;
  std::vector<arc> arcs_;
};

} // namespace

bool find_best(placing_board& board) {
  if (board.rows.size() * board.columns.size() > exact_cells)
    return false;
  flow f{board};
  bool changed = false;
  while (f.is_exact() && f.improve())
    changed = true;
  return changed;
}

} // namespace deployminator::actors
