#include "actors/decisions/spreading.hpp"

#include <algorithm>
#include <queue>
#include <tuple>

namespace deployminator::actors {

namespace {

/// The first that one too many is taken from: out of reach, then where most of it are, then on its
/// way still, then on the fullest machine.
auto burden_of(const placing_board& board, const placing_board::cell& each) {
  const auto& machine = board.columns[each.machine];
  return std::tuple{machine.asked->use == machine_use::closed, each.now, each.pending > 0,
                    machine.instances, each.machine};
}

void take_surplus(placing_board& board, placing_board::row& app) {
  using burden = decltype(burden_of(board, app.cells.front()));
  std::priority_queue<burden> queue;
  for (const auto& each : app.cells)
    if (each.now > 0)
      queue.push(burden_of(board, each));
  while (app.placed > app.wanted) {
    auto machine = std::get<4>(queue.top());
    queue.pop();
    board.put(app, machine, -1);
    auto left = std::lower_bound(app.cells.begin(), app.cells.end(), machine,
                                 [](const auto& each, auto m) { return each.machine < m; });
    if (left->now > 0)
      queue.push(burden_of(board, *left));
  }
}

void fill_spreading(placing_board& board, placing_board::row& app) {
  spreading s{board, app};
  while (app.missing() > 0) {
    auto place = s.next();
    if (!place)
      return;
    s.give(*place);
  }
}

/// As many as fit, by the memory that the machine says it has.
std::uint64_t fitting(const placing_board::column& machine, const placing_board::row& app) {
  auto limit = machine.capacity;
  limit = std::min(limit, machine.asked->memory_mb);
  if (limit < machine.memory + app.size)
    return 0;
  return app.size == 0 ? placing_board::no_limit : (limit - machine.memory) / app.size;
}

/// Where no machine has room for another one: the one that lacks least, unless that is not allowed.
void fill_overfull(placing_board& board, placing_board::row& app) {
  auto left = [&](std::uint32_t m) {
    const auto& machine = board.columns[m];
    return static_cast<std::int64_t>(machine.asked->memory_mb)
           - static_cast<std::int64_t>(machine.memory);
  };
  auto worse = [&](const auto& a, const auto& b) {
    return std::tie(a.first, b.second) < std::tie(b.first, a.second);
  };
  using lack = std::pair<std::int64_t, std::uint32_t>;
  std::priority_queue<lack, std::vector<lack>, decltype(worse)> queue{worse};
  for (auto m : board.areas[app.area].open)
    queue.emplace(left(m), m);
  while (app.missing() > 0 && !queue.empty()) {
    auto m = queue.top().second;
    queue.pop();
    if (app.on(m) >= app.at_most || !board.columns[m].has_room(app.size))
      continue;
    board.put(app, m, 1);
    queue.emplace(left(m), m);
  }
}

void fill_packing(placing_board& board, placing_board::row& app) {
  auto order = board.areas[app.area].open;
  std::stable_sort(order.begin(), order.end(), [&](std::uint32_t a, std::uint32_t b) {
    return board.columns[a].memory > board.columns[b].memory;
  });
  for (auto m : order) {
    auto there = app.on(m);
    auto count = std::min({app.missing(), fitting(board.columns[m], app),
                           app.at_most > there ? app.at_most - there : 0});
    if (count > 0)
      board.put(app, m, static_cast<std::int64_t>(count));
  }
  fill_overfull(board, app);
}

} // namespace

void fill(placing_board& board) {
  std::vector<placing_board::row*> order;
  for (auto& each : board.rows) {
    if (each.placed > each.wanted)
      take_surplus(board, each);
    else if (each.missing() > 0)
      order.push_back(&each);
  }
  // Those with the least choice first.
  std::stable_sort(
    order.begin(), order.end(), [&](const placing_board::row* a, const placing_board::row* b) {
      auto choice = [&](const placing_board::row* each) {
        return std::tuple{!each->asked->per_machine, board.areas[each->area].open.size(),
                          placing_board::no_limit - each->size};
      };
      return choice(a) < choice(b);
    });
  for (auto* each : order)
    if (each->asked->packs && !each->asked->per_machine)
      fill_packing(board, *each);
    else
      fill_spreading(board, *each);
}

namespace {

/// Whether anything was moved.
bool even_out(placing_board& board, placing_board::row& app) {
  bool moved = false;
  spreading s{board, app};
  // Those with the most of it come first, and of these the fullest. Whoever changed is in it anew.
  using giver = std::tuple<std::uint64_t, std::uint64_t, std::uint32_t>;
  auto now = [&](std::uint32_t place) { return giver{s.own(place), s.load(place), place}; };
  std::priority_queue<giver> givers;
  for (auto place : s.used())
    givers.push(now(place));
  while (!givers.empty()) {
    auto from = std::get<2>(givers.top());
    if (givers.top() != now(from)) {
      givers.pop();
      continue;
    }
    auto to = s.next();
    if (!to || s.own(from) <= s.own(*to))
      break;
    if (s.own(from) == s.own(*to) + 1 && s.load(from) <= s.load(*to) + 1)
      break;
    s.give(*to);
    s.take(from);
    givers.push(now(*to));
    givers.push(now(from));
    moved = true;
  }
  return moved;
}

} // namespace

bool even_out(placing_board& board) {
  bool any = false;
  for (bool moved = true; moved;) {
    moved = false;
    for (auto& each : board.rows)
      if (!each.asked->per_machine && !each.asked->packs && each.placed > 0)
        moved = even_out(board, each) || moved;
    any = any || moved;
  }
  return any;
}

} // namespace deployminator::actors
