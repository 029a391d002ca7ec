#include "actors/decisions/plan.hpp"

#include "actors/decisions/groups.hpp"
#include "actors/decisions/pinned.hpp"
#include "actors/decisions/rollout_members.hpp"
#include "messages/known_strategies.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <set>

namespace deployminator::actors {

using namespace messages;

namespace {

std::string subject_of(const wish& w) {
  return actors::subject_of(w.namespace_, w.group, w.app.name);
}

std::map<std::string, std::uint64_t> count_own(const farm& f, const group& g, const wish& w,
                                               const silence& quiet) {
  std::map<std::string, std::uint64_t> out;
  for (const auto& id : w.kept)
    ++out[f.instances.at(id).machine];
  // What a failed rollout of another version left for looking at is none of it.
  bool is_there = w.version_id == g.deployed_version || w.version_id == g.pending_version;
  if (w.version_id == 0 || !is_there)
    return out;
  for (const auto* each : f.instances.of_group(g.id))
    if (each->version_id == w.version_id && each->application == w.app.name
        && each->goal != instance_goal::stop && !is_given_up(*each, w.app, quiet))
      ++out[each->machine];
  return out;
}

/// Where the deployed version's instances are, if a strategy of another process placed them.
std::optional<std::map<std::string, std::uint64_t>> last_placement(const farm& f, const group& g,
                                                                   const wish& w) {
  if (is_known_strategy(w.app.strategy))
    return std::nullopt;
  const auto* deployed = deployed_version(f, g);
  bool is_same
    = deployed && std::ranges::any_of(deployed->applications, [&](const application& each) {
        return each.name == w.app.name && each.strategy == w.app.strategy;
      });
  if (!is_same)
    return std::nullopt;
  std::map<std::string, std::uint64_t> out;
  for (const auto* each : f.instances.of_group(g.id))
    if (each->version_id == deployed->id && each->application == w.app.name
        && each->goal != instance_goal::stop)
      ++out[each->machine];
  return out;
}

/// Where the old instances stop first, the new ones have their memory.
std::map<std::string, std::uint64_t> freed_by(const farm& f, const group& g, const wish& w) {
  std::map<std::string, std::uint64_t> out;
  bool stops_first = w.app.rollout.order == rollout_order::stop_first;
  if (!stops_first || w.version_id == g.deployed_version)
    return out;
  for (const auto* each : f.instances.of_group(g.id))
    if (each->version_id == g.deployed_version && each->application == w.app.name
        && !w.kept.contains(each->id))
      out[each->machine] += each->memory_mb;
  return out;
}

/// What the plan puts on the machines so far.
std::map<std::string, machine_load> load_of(const std::vector<planned_application>& done) {
  std::map<std::string, machine_load> out;
  for (const auto& each : done)
    if (each.where)
      for (const auto& machine : each.where->add) {
        ++out[machine].instances;
        out[machine].memory_mb += each.app.limits.max_memory_mb;
      }
  return out;
}

failure nobody_eligible(const plan_view& view, const wish& w) {
  bool is_pinned = w.app.strategy == "pinned";
  std::vector<std::string> draining;
  for (const auto& each : view.machines)
    if (may_be_on(each.name, each.groups, w.app))
      draining.push_back(each.name);
  if (!draining.empty())
    return {failure_code::refused,
            fmt::format("{} cannot be placed: {} drain{}, and no other machine may have it",
                        subject_of(w), fmt::join(draining, ", "), draining.size() == 1 ? "s" : ""),
            "`deploy undrain` lets a machine take instances again"};
  std::set<std::string> known;
  for (const auto& each : view.machines)
    if (is_pinned)
      known.insert(each.name);
    else
      known.insert(each.groups.begin(), each.groups.end());
  return {failure_code::not_found,
          fmt::format("{} cannot be placed: no machine {} {}", subject_of(w),
                      is_pinned ? "is called" : "is in the machine group",
                      fmt::join(w.app.machine_groups, ", ")),
          known.empty() ? "no machine has connected yet: start an autodeployer"
                        : fmt::format("there are: {}", fmt::join(known, ", "))};
}

std::uint64_t value_or_0(const auto& map, const auto& key) {
  auto found = map.find(key);
  return found == map.end() ? 0 : found->second;
}

/// Whether somebody else's instances took of the memory that the plan counts on.
bool is_fuller(const plan& p, const farm& f, const std::string& machine) {
  auto planned = p.promised_mb.find(machine);
  return planned != p.promised_mb.end() && f.instances.load_of(machine).memory_mb > planned->second;
}

} // namespace

placing_ground ground_of(const farm& f, const presence& machines,
                         std::uint64_t overcommit_percent) {
  placing_ground out{{}, overcommit_percent};
  out.machines.reserve(f.machines.size());
  for (const auto& [name, each] : f.machines)
    out.machines.push_back({name, each.groups, machines.is_connected(name), each.memory_mb,
                            f.instances.load_of(name), each.draining});
  return out;
}

plan_view view_for(const farm& f, const presence& machines,
                   const std::map<std::uint64_t, std::uint64_t>& revisions,
                   std::vector<wish> wishes, const silence& quiet,
                   std::uint64_t overcommit_percent) {
  plan_view out;
  out.overcommit_percent = overcommit_percent;
  bool counts_memory = overcommit_percent > 0;
  for (const auto& each : wishes) {
    const auto* g = group_named(f, each.namespace_, each.group);
    out.own.push_back(g ? count_own(f, *g, each, quiet) : std::map<std::string, std::uint64_t>{});
    out.freed_mb.push_back(g && counts_memory ? freed_by(f, *g, each)
                                              : std::map<std::string, std::uint64_t>{});
    out.last.push_back(g ? last_placement(f, *g, each) : std::nullopt);
    if (g)
      out.revisions[g->id] = value_or_0(revisions, g->id);
  }
  out.wishes = std::move(wishes);
  out.machines = ground_of(f, machines, overcommit_percent).machines;
  return out;
}

plan begin_plan(const plan_view& view) {
  plan out{view.revisions, {}, {}};
  if (view.overcommit_percent > 0)
    for (const auto& each : view.machines)
      out.promised_mb.emplace(each.name, each.load.memory_mb);
  return out;
}

result<placement_request> next_question(const plan_view& view,
                                        const std::vector<planned_application>& done) {
  const auto& w = view.wishes[done.size()];
  const auto& own = view.own[done.size()];
  auto earlier = load_of(done);
  placement_request out{subject_of(w), w.app, {}, view.last[done.size()], view.overcommit_percent};
  for (const auto& each : view.machines) {
    if (each.draining || !may_be_on(each.name, each.groups, w.app))
      continue;
    auto load = each.load;
    if (auto more = earlier.find(each.name); more != earlier.end()) {
      load.instances += more->second.instances;
      load.memory_mb += more->second.memory_mb;
    }
    load.memory_mb -= std::min(load.memory_mb, value_or_0(view.freed_mb[done.size()], each.name));
    out.candidates.push_back({each.name, each.reachable, each.memory_mb, load.memory_mb,
                              load.instances, value_or_0(own, each.name)});
  }
  if (out.candidates.empty())
    return nobody_eligible(view, w);
  return out;
}

bool is_stale(const plan& p, const farm& f, const presence& machines,
              const std::map<std::uint64_t, std::uint64_t>& revisions) {
  for (const auto& [group_id, revision] : p.revisions)
    if (value_or_0(revisions, group_id) != revision)
      return true;
  for (const auto& each : p.applications) {
    if (!each.where)
      continue;
    for (const auto& name : each.where->add) {
      auto known = f.machines.find(name);
      if (known == f.machines.end() || !machines.is_connected(name)
          || !is_eligible(known->second, each.app) || is_fuller(p, f, name))
        return true;
    }
  }
  return false;
}

bool is_given_up(const instance& row, const application& app, const silence& quiet) {
  return quiet.has_given_up(row.machine, app) && !is_finished_job(row.seen.state, row.seen.exit);
}

std::optional<failure> first_failure(const plan& p) {
  for (const auto& each : p.applications)
    if (!each.where)
      return each.where.error();
  return std::nullopt;
}

} // namespace deployminator::actors
