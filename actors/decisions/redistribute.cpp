#include "actors/decisions/redistribute.hpp"

#include "actors/decisions/placing_board.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <limits>
#include <map>
#include <set>
#include <utility>

namespace deployminator::actors {

namespace {

using cell = placing_board::cell;

/// Instances that come to a machine, or go from it.
struct share {
  const cell* where = nullptr;
  std::uint64_t count = 0;
};

std::uint64_t had(const placing_board::row& app) {
  std::uint64_t out = 0;
  for (const auto& each : app.cells)
    out += each.before;
  return out;
}

placement_cause cause_of(const placing_board& board, const placing_board::row& app,
                         const cell& from, const cell* to) {
  if (app.wanted == 0 && app.asked->count == 0)
    return placement_cause::unwanted;
  const auto& machine = *board.columns[from.machine].asked;
  if (machine.use == machine_use::leaving)
    return placement_cause::machine_leaves;
  if (!board.areas[app.area].legal[from.machine])
    return placement_cause::left_group;
  if (from.before > app.at_most)
    return placement_cause::too_many_there;
  if (!to)
    return placement_cause::surplus;
  if (!board.rules.even_out)
    return placement_cause::makes_room;
  return from.before > to->before + 1 ? placement_cause::evens_application
                                      : placement_cause::evens_machines;
}

class steps {
public:
  steps(const placing_board& board, const placing_board::row& app)
    : board_(board), app_(app), had_(had(app)) {}

  std::vector<placement_step> all() {
    for (const auto& each : app_.cells)
      if (each.now > each.before)
        come_.push_back({&each, each.now - each.before});
    // What only makes room has a place for certain; what has to go may have none.
    for (bool must : {false, true})
      for (const auto& each : app_.cells)
        if (each.before > each.now && must_go(each) == must)
          go_.push_back({&each, each.before - each.now});
    move();
    for (auto& each : come_)
      if (each.count > 0)
        note(nullptr, each.where, each.count);
    // What has nowhere to go stays, unless enough are elsewhere.
    if (app_.missing() == 0)
      for (auto& each : go_)
        if (each.count > 0)
          note(each.where, nullptr, each.count);
    return std::move(out_);
  }

private:
  [[nodiscard]] bool must_go(const cell& each) const {
    return !board_.areas[app_.area].legal[each.machine] || each.before > app_.at_most;
  }

  void move() {
    auto to = come_.begin();
    for (auto& from : go_)
      while (from.count > 0 && to != come_.end()) {
        auto count = std::min(from.count, to->count);
        note(from.where, to->where, count);
        from.count -= count;
        to->count -= count;
        if (to->count == 0)
          ++to;
      }
  }

  void note(const cell* from, const cell* to, std::uint64_t count) {
    auto& added = out_.emplace_back();
    added.count = count;
    added.had = had_;
    if (from) {
      added.from = board_.columns[from->machine].asked->name;
      added.had_from = from->before;
      added.cause = cause_of(board_, app_, *from, to);
    }
    if (to) {
      added.to = board_.columns[to->machine].asked->name;
      added.had_to = to->before;
    }
  }

  const placing_board& board_;
  const placing_board::row& app_;
  std::uint64_t had_ = 0;
  std::vector<share> come_;
  std::vector<share> go_;
  std::vector<placement_step> out_;
};

std::string machines_of(const wanted_application& app) {
  if (!app.machine_names.empty())
    return fmt::format("of the machines {}", fmt::join(app.machine_names, ", "));
  return fmt::format("machine group {}", fmt::join(app.machine_groups, ", "));
}

std::string counted(std::uint64_t count) {
  return count == 1 ? "1 machine" : fmt::format("{} machines", count);
}

/// What keeps the rest from being placed.
std::string shortfall_of(const placing_board& board, const placing_board::row& app) {
  if (app.missing() == 0)
    return {};
  std::uint64_t away = 0;
  std::uint64_t all = 0;
  std::uint64_t full = 0;
  for (std::uint32_t m = 0; m < board.columns.size(); ++m) {
    const auto& machine = *board.columns[m].asked;
    if (!may_have(machine, *app.asked))
      continue;
    ++all;
    if (machine.use != machine_use::open)
      ++away;
    else if (app.on(m) < app.at_most && !board.columns[m].has_room(app.size))
      ++full;
  }
  auto out = fmt::format(
    "{} of {} placed: {} {} {}", app.placed, app.wanted, machines_of(*app.asked),
    app.asked->machine_names.empty() ? "has" : "there are", all == 0 ? "no machine" : counted(all));
  if (away > 0)
    out += fmt::format(", {} of which {} nothing new", away, away == 1 ? "takes" : "take");
  if (all > away && app.at_most != placing_board::no_limit)
    out += fmt::format(", with {} on each at most", app.at_most);
  if (full > 0)
    out += fmt::format("; {} MB for another one are left on none of {}", app.size, counted(full));
  return out;
}

} // namespace

std::vector<application_placement> redistribute(const std::vector<wanted_application>& wanted,
                                                const std::vector<placing_machine>& machines,
                                                const std::vector<standing_count>& current,
                                                const std::vector<standing_count>& pending,
                                                const placement_rules& rules) {
  placing_board board{wanted, machines, current, pending, rules};
  // What moves away for a better balance may leave room for what found none before.
  bool moved = false;
  do {
    fill(board);
    make_room(board);
    moved = rules.even_out && even_out(board);
    moved = find_best(board) || moved;
  } while (moved && board.missing() > 0);
  std::vector<application_placement> out;
  out.reserve(board.rows.size());
  for (const auto& each : board.rows)
    out.push_back({each.asked->name, each.wanted, each.placed, steps{board, each}.all(),
                   shortfall_of(board, each)});
  return out;
}

std::uint64_t most_promised_mb(std::uint64_t memory_mb, std::uint64_t overcommit_percent) {
  return overcommit_percent == 0 ? std::numeric_limits<std::uint64_t>::max()
                                 : memory_mb * overcommit_percent / 100;
}

std::string reason_of(const wanted_application& app, const placement_step& step) {
  switch (step.cause) {
    case placement_cause::missing:
      return app.per_machine
               ? fmt::format("{} on each machine, {} had {}", app.count, step.to, step.had_to)
               : fmt::format("{} wanted, {} there", app.count, step.had);
    case placement_cause::surplus:
      return fmt::format("{} there, {} wanted", step.had, app.count);
    case placement_cause::unwanted:
      return "nobody wants it any more";
    case placement_cause::left_group:
      return fmt::format("{} is not of {}", step.from, machines_of(app));
    case placement_cause::machine_leaves:
      return fmt::format("{} is to be empty", step.from);
    case placement_cause::too_many_there:
      return fmt::format("{} has {}, {} may be on one machine", step.from, step.had_from,
                         app.per_machine ? app.count : app.at_most);
    case placement_cause::makes_room:
      return fmt::format("it makes room on {} for what fits nowhere else", step.from);
    case placement_cause::evens_application:
      return fmt::format("{} has {} of it, {} has {}", step.from, step.had_from, step.to,
                         step.had_to);
    case placement_cause::evens_machines:
      return fmt::format("{} has more instances than {}", step.from, step.to);
  }
  return {};
}

std::vector<standing_count> after_steps(const std::vector<standing_count>& current,
                                        const std::vector<application_placement>& placements) {
  std::map<std::pair<std::string, std::string>, std::uint64_t> counts;
  for (const auto& each : current)
    counts[{each.application, each.machine}] += each.count;
  for (const auto& app : placements)
    for (const auto& each : app.steps) {
      if (!each.from.empty())
        counts[{app.name, each.from}] -= each.count;
      if (!each.to.empty())
        counts[{app.name, each.to}] += each.count;
    }
  std::vector<standing_count> out;
  for (const auto& [where, count] : counts)
    if (count > 0)
      out.push_back({where.first, where.second, count});
  return out;
}

} // namespace deployminator::actors
