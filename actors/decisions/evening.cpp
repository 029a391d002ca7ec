#include "actors/decisions/evening.hpp"

#include "actors/decisions/edit.hpp"
#include "actors/decisions/groups.hpp"
#include "actors/decisions/redistribute.hpp"
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

wanted_application wanted_of(const group& g, const application& app) {
  wanted_application out;
  out.name = fmt::format("{}/{}/{}", g.namespace_, g.name, app.name);
  out.count = app.instances;
  out.per_machine = app.per_machine || app.strategy == "one-per-machine";
  out.at_most = app.max_per_machine;
  (app.strategy == "pinned" ? out.machine_names : out.machine_groups) = app.machine_groups;
  out.memory_mb = app.limits.max_memory_mb;
  out.packs = app.strategy == "pack";
  return out;
}

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
      auto& added = out.emplace_back(movable{&g, &app, wanted_of(g, app), {}});
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
std::vector<placing_machine> machines_of(const farm& f, const std::vector<movable>& all) {
  std::map<std::string, machine_load> counted;
  for (const auto& each : all)
    for (const auto& [machine, list] : each.on) {
      counted[machine].instances += list.size();
      counted[machine].memory_mb += list.size() * each.wanted.memory_mb;
    }
  std::vector<placing_machine> out;
  for (const auto& [name, row] : f.machines) {
    auto load = f.instances.load_of(name);
    const auto& own = counted[name];
    out.push_back({name, row.groups,
                   row.lost || row.draining ? machine_use::closed : machine_use::open,
                   row.memory_mb, load.instances - std::min(load.instances, own.instances),
                   load.memory_mb - std::min(load.memory_mb, own.memory_mb)});
  }
  return out;
}

/// The instances that go with a step: the newest, of those that are well.
void add_moves(std::vector<farm_move>& out, movable& from, const placement_step& step) {
  auto& list = from.on[step.from];
  std::ranges::sort(list, std::ranges::greater{}, [](const instance* each) {
    return std::pair{each->seen.ready_at, each->id};
  });
  for (std::uint64_t moved = 0; moved < step.count;) {
    auto next = std::ranges::find_if(list, [](const instance* each) {
      return each->goal == instance_goal::run && is_proven(each->seen);
    });
    if (next == list.end())
      return;
    out.push_back(
      {from.of->id, from.app->name, (*next)->id, step.from, step.to, reason_of(from.wanted, step)});
    list.erase(next);
    ++moved;
  }
}

} // namespace

std::vector<farm_move> moves_to_even_out(const farm& f) {
  auto all = all_movable(f);
  std::vector<wanted_application> wanted;
  wanted.reserve(all.size());
  for (const auto& each : all)
    wanted.push_back(each.wanted);
  placement_rules rules;
  rules.even_out = true;
  auto placed = redistribute(wanted, machines_of(f, all), counts_of(all), {}, rules);
  std::map<std::string, const application_placement*> by_name;
  for (const auto& each : placed)
    by_name[each.name] = &each;
  std::vector<farm_move> out;
  for (auto& each : all)
    for (const auto& step : by_name.at(each.wanted.name)->steps) {
      auto from = f.machines.find(step.from);
      // What only starts or stops is for UPKEEP.
      if (!step.to.empty() && from != f.machines.end() && !from->second.lost
          && !from->second.draining)
        add_moves(out, each, step);
    }
  return out;
}

} // namespace deployminator::actors
