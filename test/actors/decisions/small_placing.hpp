#pragma once

#include "actors/decisions/redistribute.hpp"

#include <algorithm>
#include <array>
#include <cstdint>
#include <map>
#include <numeric>
#include <string>
#include <utility>
#include <vector>

/// Small questions for `redistribute`, and the best answer to them by trying everything.
namespace deployminator::actors {

struct placing_question {
  std::vector<wanted_application> wanted;
  std::vector<placing_machine> machines;
  std::vector<standing_count> current;
  std::vector<standing_count> pending;
  placement_rules rules;

  [[nodiscard]] std::vector<application_placement> answer() const {
    return redistribute(wanted, machines, current, pending, rules);
  }

  [[nodiscard]] std::vector<standing_count> there() const {
    auto out = current;
    out.insert(out.end(), pending.begin(), pending.end());
    return after_steps(out, {});
  }

  [[nodiscard]] std::uint64_t count(const std::vector<standing_count>& counts,
                                    const std::string& application,
                                    const std::string& machine) const {
    std::uint64_t out = 0;
    for (const auto& each : counts)
      if (each.application == application && each.machine == machine)
        out += each.count;
    return out;
  }

  [[nodiscard]] static bool is_of_group(const placing_machine& m, const wanted_application& a) {
    for (const auto& each : a.machine_groups)
      if (std::find(m.groups.begin(), m.groups.end(), each) != m.groups.end())
        return true;
    return false;
  }

  [[nodiscard]] static std::uint64_t limit(const wanted_application& a) {
    return a.at_most ? a.at_most : 1'000;
  }

  /// How many of those on the machine may be there.
  [[nodiscard]] std::uint64_t legal(const std::vector<standing_count>& counts,
                                    const wanted_application& a, const placing_machine& m) const {
    if (!is_of_group(m, a) || m.use == machine_use::leaving)
      return 0;
    return std::min(count(counts, a.name, m.name), limit(a));
  }

  [[nodiscard]] std::uint64_t capacity(const placing_machine& m) const {
    return rules.overcommit_percent ? m.memory_mb * rules.overcommit_percent / 100 : 1'000'000;
  }
};

/// What a placement costs, the first number before all others.
using placing_score = std::array<std::int64_t, 4>;

/// The legal counts, by application and machine, as the question orders them.
using placing_grid = std::vector<std::vector<std::uint64_t>>;

inline placing_score score_of(const placing_question& q, const placing_grid& grid) {
  auto there = q.there();
  std::int64_t unplaced = 0;
  std::int64_t moves = 0;
  std::int64_t own = 0;
  std::int64_t load = 0;
  std::vector<std::int64_t> loads(q.machines.size());
  for (std::size_t a = 0; a < q.wanted.size(); ++a) {
    auto left = static_cast<std::int64_t>(q.wanted[a].count);
    for (std::size_t m = 0; m < q.machines.size(); ++m) {
      auto now = static_cast<std::int64_t>(grid[a][m]);
      auto before = static_cast<std::int64_t>(q.legal(there, q.wanted[a], q.machines[m]));
      left -= now;
      loads[m] += now;
      own += now * now;
      moves += std::max<std::int64_t>(0, before - now);
    }
    unplaced += std::max<std::int64_t>(0, left);
  }
  for (auto each : loads)
    load += each * each;
  if (q.rules.even_out)
    return {unplaced, own, load, moves};
  return {unplaced, moves, own, load};
}

inline placing_grid grid_of(const placing_question& q, const std::vector<standing_count>& counts) {
  placing_grid out(q.wanted.size(), std::vector<std::uint64_t>(q.machines.size()));
  for (std::size_t a = 0; a < q.wanted.size(); ++a)
    for (std::size_t m = 0; m < q.machines.size(); ++m)
      out[a][m] = q.legal(counts, q.wanted[a], q.machines[m]);
  return out;
}

/// How many of each application a placement places.
inline std::vector<std::uint64_t> placed_of(const placing_grid& grid) {
  std::vector<std::uint64_t> out;
  for (const auto& each : grid)
    out.push_back(std::accumulate(each.begin(), each.end(), std::uint64_t{0}));
  return out;
}

/// Tries all placements that put no more than is wanted anywhere.
class every_placement {
public:
  every_placement(const placing_question& q, std::vector<std::uint64_t> counts)
    : q_(q), grid_(grid_of(q, q.there())), left_(q.wanted.size()), room_(q.machines.size()),
      counts_(std::move(counts)) {
    for (std::size_t m = 0; m < q.machines.size(); ++m)
      room_[m] = static_cast<std::int64_t>(q.capacity(q.machines[m]));
    for (std::size_t a = 0; a < q.wanted.size(); ++a) {
      left_[a] = static_cast<std::int64_t>(q.wanted[a].count);
      for (std::size_t m = 0; m < q.machines.size(); ++m)
        if (q.machines[m].use == machine_use::closed) {
          left_[a] -= static_cast<std::int64_t>(grid_[a][m]);
          room_[m] -= static_cast<std::int64_t>(grid_[a][m] * q.wanted[a].memory_mb);
        } else {
          grid_[a][m] = 0;
        }
    }
    try_from(0);
  }

  /// The fewest that are not placed.
  std::int64_t least_unplaced = 1'000'000;
  /// Of the placements that place `counts` of each.
  placing_score best{1'000'000, 0, 0, 0};

private:
  void try_from(std::size_t i) {
    auto columns = q_.machines.size();
    if (i == q_.wanted.size() * columns) {
      auto score = score_of(q_, grid_);
      least_unplaced = std::min(least_unplaced, score[0]);
      if (placed_of(grid_) == counts_)
        best = std::min(best, score);
      return;
    }
    auto a = i / columns;
    auto m = i % columns;
    try_from(i + 1);
    const auto& app = q_.wanted[a];
    if (q_.machines[m].use != machine_use::open || !q_.is_of_group(q_.machines[m], app))
      return;
    auto size = static_cast<std::int64_t>(app.memory_mb);
    std::uint64_t given = 0;
    while (given < q_.limit(app) && left_[a] > 0 && room_[m] >= size) {
      ++given;
      --left_[a];
      room_[m] -= size;
      grid_[a][m] = given;
      try_from(i + 1);
    }
    left_[a] += static_cast<std::int64_t>(given);
    room_[m] += size * static_cast<std::int64_t>(given);
    grid_[a][m] = 0;
  }

  const placing_question& q_;
  placing_grid grid_;
  std::vector<std::int64_t> left_;
  std::vector<std::int64_t> room_;
  std::vector<std::uint64_t> counts_;
};

} // namespace deployminator::actors
