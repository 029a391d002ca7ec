#include "actors/decisions/evening.hpp"

#include "actors/decisions/edit.hpp"
#include "actors/decisions/groups.hpp"
#include "actors/decisions/rollout.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <utility>

namespace deployminator::actors {

using namespace messages;

namespace {

/// An application that takes part, and where its instances are that could move.
struct movable {
  const group* of = nullptr;
  const application* app = nullptr;
  wanted_application wanted;
  std::map<std::string, std::vector<const instance*>> on;
};

/// The strategies whose rules `redistribute` knows.
bool is_known(const std::string& strategy) {
  return strategy == "spread" || strategy == "pack" || strategy == "one-per-machine"
         || strategy == "pinned";
}

std::vector<movable> all_movable(const farm& f) {
  std::vector<movable> out;
  for (const auto& [id, g] : f.groups) {
    const auto* deployed = deployed_version(f, g);
    if (!deployed || f.rollouts.contains(id))
      continue;
    for (const auto& app : deployed->applications) {
      if (is_stopped(g, app.name) || !app.always_on || !is_known(app.strategy))
        continue;
      auto& added = out.emplace_back(
        movable{&g, &app, wanted_for(subject_of(g.namespace_, g.name, app.name), app), {}});
      for (const auto* each : f.instances.of_group(id))
        if (each->version_id == deployed->id && each->application == app.name
            && each->goal != instance_goal::stop)
          added.on[each->machine].push_back(each);
    }
  }
  return out;
}

std::vector<standing_count> counts_of(const std::vector<movable>& all) {
  std::vector<standing_count> out;
  for (const auto& each : all)
    for (const auto& [machine, list] : each.on)
      out.push_back({each.wanted.name, machine, list.size()});
  return out;
}

/// What drains is for UPKEEP, and what is out of reach stays as it is.
bool takes_part(const planned_machine& machine) {
  return machine.reachable && !machine.draining;
}

std::vector<placing_machine> machines_of(const placing_ground& on,
                                         const std::vector<movable>& all) {
  std::map<std::string, machine_load> counted;
  for (const auto& each : all)
    for (const auto& [machine, list] : each.on) {
      counted[machine].instances += list.size();
      counted[machine].memory_mb += list.size() * each.wanted.memory_mb;
    }
  std::vector<placing_machine> out;
  for (const auto& each : on.machines) {
    const auto& own = counted[each.name];
    out.push_back({each.name, each.groups,
                   takes_part(each) ? machine_use::open : machine_use::closed, each.memory_mb,
                   each.load.instances - std::min(each.load.instances, own.instances),
                   each.load.memory_mb - std::min(each.load.memory_mb, own.memory_mb)});
  }
  return out;
}

/// The machines that take part, and what they may be promised while all that is there stays.
class room {
public:
  explicit room(const placing_ground& on) {
    for (const auto& each : on.machines) {
      auto most = most_promised_mb(each.memory_mb, on.overcommit_percent);
      if (takes_part(each))
        free_mb_.emplace(each.name, most - std::min(most, each.load.memory_mb));
    }
  }

  [[nodiscard]] bool has(const std::string& machine) const {
    return free_mb_.contains(machine);
  }

  /// Takes so much of it; false: it has not as much.
  bool take(const std::string& machine, std::uint64_t memory_mb) {
    auto& free = free_mb_.at(machine);
    if (free < memory_mb)
      return false;
    free -= memory_mb;
    return true;
  }

private:
  std::map<std::string, std::uint64_t> free_mb_;
};

/// The instances that go with a step: the newest, of those that are well.
void add_moves(std::vector<farm_move>& out, movable& from, const placement_step& step,
               room& beside) {
  auto& list = from.on[step.from];
  std::ranges::sort(list, std::ranges::greater{}, [](const instance* each) {
    return std::pair{each->seen.ready_at, each->id};
  });
  for (std::uint64_t moved = 0; moved < step.count; ++moved) {
    auto next = std::ranges::find_if(list, [](const instance* each) {
      return each->goal == instance_goal::run && is_proven(each->seen);
    });
    if (next == list.end() || !beside.take(step.to, from.wanted.memory_mb))
      return;
    out.push_back(
      {from.of->id, from.app->name, (*next)->id, step.from, step.to, reason_of(from.wanted, step)});
    list.erase(next);
  }
}

} // namespace

std::vector<farm_move> moves_to_even_out(const farm& f, const placing_ground& on) {
  auto all = all_movable(f);
  std::vector<wanted_application> wanted;
  wanted.reserve(all.size());
  for (const auto& each : all)
    wanted.push_back(each.wanted);
  auto placed = redistribute(wanted, machines_of(on, all), counts_of(all), {},
                             {.even_out = true, .overcommit_percent = on.overcommit_percent});
  std::map<std::string, const application_placement*> by_name;
  for (const auto& each : placed)
    by_name[each.name] = &each;
  std::vector<farm_move> out;
  room beside{on};
  for (auto& each : all)
    for (const auto& step : by_name.at(each.wanted.name)->steps)
      // What only starts or stops is for UPKEEP.
      if (!step.to.empty() && beside.has(step.from))
        add_moves(out, each, step, beside);
  return out;
}

} // namespace deployminator::actors
