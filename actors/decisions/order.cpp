#include "actors/decisions/order.hpp"

#include "actors/decisions/assignment.hpp"
#include "actors/decisions/rollout.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cctype>
#include <map>

namespace deployminator::actors {

using namespace messages;

namespace {

/// A readable id that nothing else ever has: the application's name and 40 random bits.
std::string instance_id(const std::string& application, const moment& m) {
  constexpr std::string_view digits = "0123456789abcdefghjkmnpqrstvwxyz";
  std::string out;
  for (char each : application.substr(application.find_last_of('/') + 1).substr(0, 24)) {
    auto c = static_cast<unsigned char>(each);
    out += std::isalnum(c) ? static_cast<char>(std::tolower(c)) : '-';
  }
  out += '-';
  auto bits = m.random();
  for (int i = 0; i < 8; ++i, bits >>= 5)
    out += digits[bits & 31];
  return out;
}

event group_event(const group& g, std::uint64_t version, const moment& m, event::content what) {
  return {0, m.now, g.namespace_, g.name, version, std::move(what)};
}

std::uint64_t next_id(const auto& rows) {
  return rows.empty() ? 1 : rows.rbegin()->first + 1;
}

/// `w1 (2), w2`: how many instances each machine gets.
std::string machine_list(const std::vector<std::string>& machines) {
  std::map<std::string, int> counts;
  for (const auto& each : machines)
    ++counts[each];
  std::vector<std::string> parts;
  for (const auto& [name, count] : counts)
    parts.push_back(count == 1 ? name : fmt::format("{} ({})", name, count));
  return fmt::format("{}", fmt::join(parts, ", "));
}

void place_instances(const group& g, std::uint64_t version_id, const application& app,
                     const placement& where, instance_goal goal, const moment& m, change& c) {
  for (const auto& machine_name : where.add) {
    instance placed{instance_id(app.name, m), version_id, app.name, machine_name, goal, {}};
    placed.seen.id = placed.id;
    c.instances.push_back(std::move(placed));
  }
  if (where.add.empty())
    return;
  c.events.push_back(group_event(
    g, version_id, m,
    rollout_step{"placed", fmt::format("{}: {} instance{} on {} ({}: {})", app.name,
                                       where.add.size(), where.add.size() == 1 ? "" : "s",
                                       machine_list(where.add), app.strategy, where.reason)}));
}

/// Ends the rollout that `g` is in, if any, in favour of another one. What it started and is not
/// deployed stops.
void supersede(const farm& f, const group& g, std::uint64_t by_version, const moment& m,
               change& c) {
  auto under_way = f.rollouts.find(g.id);
  if (under_way == f.rollouts.end())
    return;
  const auto& r = under_way->second;
  bool undeploying = by_version == 0;
  auto by = undeploying ? std::string{"an undeploy"} : fmt::format("version {}", by_version);
  auto outcome = rollout_outcome::superseded;
  auto reason = fmt::format("superseded by {}", by);
  if (r.phase == rollout_phase::stopping_new) {
    outcome = rollout_outcome::failed;
    reason = r.reason;
  } else if (r.phase == rollout_phase::stopping_old && r.version_id != 0) {
    outcome = rollout_outcome::succeeded;
    reason = fmt::format("every instance is ready; {} began before the old ones were gone", by);
    // It was deployed, but who waits for it must not take it for running.
    if (undeploying) {
      outcome = rollout_outcome::superseded;
      reason = fmt::format("superseded by {}, when every instance was ready", by);
    }
  } else if (r.version_id != 0) {
    auto abandoned = f.versions.at(r.version_id);
    abandoned.state = abandoned.last_deployed ? version_state::retired : version_state::superseded;
    c.versions.push_back(abandoned);
    for (const auto& [id, each] : f.instances)
      if (each.version_id == r.version_id && each.goal != instance_goal::stop) {
        c.instances.push_back(each);
        c.instances.back().goal = instance_goal::stop;
      }
  }
  c.events.push_back(group_event(g, r.version_id, m, rollout_finished{outcome, reason}));
}

/// Puts the rollout of `version_id` in place of whatever the group was doing.
void begin_rollout(const farm& f, group g, std::uint64_t version_id, const std::string& why,
                   const moment& m, change& c) {
  supersede(f, g, version_id, m, c);
  rollout r{g.id, version_id, g.deployed_version, rollout_phase::fetching, m.now, {}};
  if (version_id == 0)
    r.phase = rollout_phase::stopping_old;
  c.rollouts.push_back(r);
  g.pending_version = version_id;
  c.groups.push_back(g);
  c.events.push_back(
    group_event(g, version_id ? version_id : g.deployed_version, m, rollout_step{"accepted", why}));
}

version new_version(const submit_build& order, const planned_group& planned, std::uint64_t id,
                    std::uint64_t group_id, std::uint64_t& last_application, const moment& m) {
  version out{id,           group_id,    m.now, order.build, order.repository, order.artifact_id,
              order.branch, order.commit};
  for (const auto& each : planned.applications) {
    out.applications.push_back(each.app);
    out.applications.back().id = ++last_application;
    if (out.repository.empty())
      out.repository = each.app.repository;
    if (out.artifact_id.empty())
      out.artifact_id = each.app.artifact_id;
  }
  return out;
}

ordered finish_order(const farm& f, std::string id, change c, std::vector<group_version> versions) {
  raise_generations(f, c);
  order receipt{std::move(id), std::move(versions), f.last_event};
  c.orders.push_back(receipt);
  return {std::move(c), std::move(receipt)};
}

} // namespace

result<group> find_group(const farm& f, const std::string& namespace_, const std::string& name) {
  std::vector<std::string> known;
  for (const auto& [id, each] : f.groups) {
    if (each.namespace_ == namespace_ && each.name == name)
      return each;
    known.push_back(each.namespace_ + "/" + each.name);
  }
  std::sort(known.begin(), known.end());
  if (known.size() > 8)
    known.resize(8);
  return failure{failure_code::not_found, fmt::format("there is no group {}/{}", namespace_, name),
                 known.empty() ? "nothing was deployed yet"
                               : fmt::format("there are: {}", fmt::join(known, ", "))};
}

ordered deploy_build(const farm& f, const submit_build& order,
                     const std::vector<planned_group>& groups, const moment& m) {
  change c;
  std::vector<group_version> versions;
  auto group_id = next_id(f.groups);
  auto version_id = next_id(f.versions);
  auto application_id = f.last_application;
  for (const auto& planned : groups) {
    auto known = find_group(f, planned.namespace_, planned.name);
    auto g = known ? *known : group{group_id++, planned.namespace_, planned.name};
    auto v = new_version(order, planned, version_id++, g.id, application_id, m);
    c.versions.push_back(v);
    begin_rollout(f, g, v.id,
                  fmt::format("build {} becomes version {}, in place of {}", v.build, v.id,
                              g.deployed_version ? fmt::format("version {}", g.deployed_version)
                                                 : std::string{"nothing"}),
                  m, c);
    for (const auto& each : planned.applications)
      place_instances(g, v.id, each.app, each.where, instance_goal::fetch, m, c);
    versions.push_back({g.namespace_, g.name, v.id});
  }
  return finish_order(f, order.order_id, std::move(c), std::move(versions));
}

result<version> version_to_roll_to(const farm& f, const roll_to_version& order) {
  auto g = find_group(f, order.namespace_, order.group);
  if (!g)
    return g.error();
  auto under_way = f.rollouts.find(g->id);
  bool unproven = under_way != f.rollouts.end() && under_way->second.version_id != 0
                  && under_way->second.version_id != g->deployed_version;
  if (unproven && !order.version && under_way->second.phase == rollout_phase::stopping_new)
    return failure{failure_code::refused,
                   fmt::format("version {} of {}/{} is being undone already",
                               under_way->second.version_id, order.namespace_, order.group),
                   "`deploy watch` follows it"};
  // Back from a version that is still rolling out means to the one that is deployed.
  auto sought = order.version || !unproven ? order.version : g->deployed_version;
  const version* found = nullptr;
  for (const auto& [id, each] : f.versions) {
    if (each.group_id != g->id)
      continue;
    bool wanted = sought ? id == sought
                         : each.last_deployed && id != g->deployed_version
                             && (!found || each.last_deployed > found->last_deployed);
    if (wanted)
      found = &each;
  }
  auto where = fmt::format("`deploy versions {}/{}` lists them", order.namespace_, order.group);
  if (!found && order.version)
    return failure{
      failure_code::not_found,
      fmt::format("group {}/{} has no version {}", order.namespace_, order.group, order.version),
      where};
  if (!found)
    return failure{failure_code::refused,
                   fmt::format("group {}/{} has no earlier version to go back to", order.namespace_,
                               order.group),
                   where};
  bool busy = f.rollouts.contains(g->id);
  if (found->id == g->deployed_version && !busy)
    return failure{failure_code::refused,
                   fmt::format("version {} of {}/{} is deployed already", found->id,
                               order.namespace_, order.group),
                   where};
  if (found->id == g->pending_version && busy)
    return failure{failure_code::refused,
                   fmt::format("version {} of {}/{} is being rolled out already", found->id,
                               order.namespace_, order.group),
                   "`deploy watch` follows it"};
  return *found;
}

ordered roll_to(const farm& f, const roll_to_version& order, const planned_group& planned,
                const version& target, const moment& m) {
  change c;
  auto g = f.groups.at(target.group_id);
  begin_rollout(f, g, target.id,
                fmt::format("version {} (build {}) comes back in place of {}", target.id,
                            target.build,
                            g.deployed_version ? fmt::format("version {}", g.deployed_version)
                                               : std::string{"nothing"}),
                m, c);
  auto pending = target;
  pending.state = version_state::pending;
  c.versions.push_back(pending);
  for (const auto& each : planned.applications)
    place_instances(g, target.id, each.app, each.where, instance_goal::fetch, m, c);
  return finish_order(f, order.order_id, std::move(c), {{g.namespace_, g.name, target.id}});
}

result<ordered> undeploy_group(const farm& f, const undeploy& order, const moment& m) {
  auto g = find_group(f, order.namespace_, order.group);
  if (!g)
    return g.error();
  bool anything = g->deployed_version || f.rollouts.contains(g->id);
  if (!anything)
    return failure{failure_code::refused,
                   fmt::format("nothing of {}/{} is deployed", order.namespace_, order.group),
                   "`deploy status` shows what is"};
  change c;
  auto deployed = f.versions.find(g->deployed_version);
  begin_rollout(f, *g, 0, "the group is being undeployed", m, c);
  c.groups.back().deployed_version = 0;
  // At once: what supersedes the undeploy, and may fail, does not bring them back.
  for (const auto& [id, each] : f.instances)
    if (f.versions.at(each.version_id).group_id == g->id && each.goal != instance_goal::stop) {
      c.instances.push_back(each);
      c.instances.back().goal = instance_goal::stop;
    }
  if (deployed != f.versions.end()) {
    c.versions.push_back(deployed->second);
    c.versions.back().state = version_state::retired;
  }
  return finish_order(f, order.order_id, std::move(c), {{g->namespace_, g->name, 0}});
}

namespace {

/// The instances of `app` in the deployed version that are wanted and whose machine is (not) one of
/// its machine groups.
std::vector<const instance*> instances_of(const farm& f, const version& deployed,
                                          const application& app, bool in_place) {
  std::vector<const instance*> out;
  for (const auto& [id, each] : f.instances) {
    if (each.version_id != deployed.id || each.application != app.name
        || each.goal == instance_goal::stop)
      continue;
    auto machine = f.machines.find(each.machine);
    if (machine != f.machines.end() && is_eligible(machine->second, app) == in_place)
      out.push_back(&each);
  }
  return out;
}

} // namespace

bool has_misplaced(const farm& f, const version& deployed) {
  return std::any_of(
    deployed.applications.begin(), deployed.applications.end(),
    [&](const application& app) { return !instances_of(f, deployed, app, false).empty(); });
}

change stop_misplaced(const farm& f, const version& deployed, const application& app,
                      const moment& m) {
  change c;
  for (const auto* each : instances_of(f, deployed, app, true))
    if (!is_proven(each->seen))
      return c;
  for (const auto* each : instances_of(f, deployed, app, false)) {
    c.instances.push_back(*each);
    c.instances.back().goal = instance_goal::stop;
    c.events.push_back(group_event(
      f.groups.at(deployed.group_id), deployed.id, m,
      rollout_step{"placed",
                   fmt::format("{} on {} stops: the machine is not in {} any more, and "
                               "the machines that are have all their instances ready",
                               each->id, each->machine, fmt::join(app.machine_groups, ", "))}));
  }
  raise_generations(f, c);
  return c;
}

change add_instances(const farm& f, const version& deployed, const application& app,
                     const placement& where, const moment& m) {
  change c;
  if (where.add.empty())
    return c;
  place_instances(f.groups.at(deployed.group_id), deployed.id, app, where, instance_goal::run, m,
                  c);
  raise_generations(f, c);
  return c;
}

} // namespace deployminator::actors
