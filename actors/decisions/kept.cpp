#include "actors/decisions/kept.hpp"

#include "actors/decisions/edit.hpp"
#include "actors/decisions/groups.hpp"
#include "actors/decisions/placement.hpp"
#include "actors/decisions/rollout.hpp"

#include <algorithm>
#include <map>

namespace deployminator::actors {

using namespace messages;

namespace {

using instance_list = std::vector<const instance*>;

/// Bytes that were pinned are those of a build that gives no hash.
bool is_launched_alike(const program& before, program now) {
  if (now.sha256.empty())
    now.sha256 = before.sha256;
  // It matters to what has yet to become healthy.
  now.health.start_within = before.health.start_within;
  return now == before;
}

/// Equal but for what only the store gives.
bool is_same(const application& before, application now) {
  if (!is_launched_alike(before, now))
    return false;
  now.sha256 = before.sha256;
  now.id = before.id;
  return now == before;
}

/// The application that the deployed version, of the same build, launches alike; or null.
const application* likeness_of(const farm& f, const group& g, std::uint64_t build,
                               const application& app) {
  const auto* deployed = deployed_version(f, g);
  if (!deployed || deployed->build != build)
    return nullptr;
  const auto* before = application_of(*deployed, app.name);
  return before && is_launched_alike(*before, app) ? before : nullptr;
}

bool may_stay(const farm& f, const instance& each, const application& app) {
  auto machine = f.machines.find(each.machine);
  return each.goal == instance_goal::run && is_proven(each.seen) && machine != f.machines.end()
         && !machine->second.lost && is_eligible(machine->second, app);
}

/// The strategies count `instances` for each machine, or for all together.
bool counts_by_machine(const application& app) {
  return app.per_machine || app.strategy == "one-per-machine";
}

/// Takes instances away until no more are left than wanted: from the machine with the most.
void drop_surplus(std::map<std::string, instance_list>& by_machine, const application& app) {
  if (app.max_per_machine > 0)
    for (auto& [machine, list] : by_machine)
      list.resize(std::min<std::size_t>(list.size(), app.max_per_machine));
  if (counts_by_machine(app)) {
    for (auto& [machine, list] : by_machine)
      list.resize(std::min<std::size_t>(list.size(), app.instances));
    return;
  }
  std::size_t total = 0;
  for (const auto& [machine, list] : by_machine)
    total += list.size();
  for (; total > app.instances; --total)
    std::max_element(by_machine.begin(), by_machine.end(), [](const auto& a, const auto& b) {
      return a.second.size() < b.second.size();
    })->second.pop_back();
}

} // namespace

std::set<std::string> kept_for(const farm& f, const group& g, version_ahead to,
                               const application& app) {
  std::set<std::string> out;
  bool is_there = to.id != 0 && to.id == g.deployed_version;
  if (is_there || is_stopped(g, app.name) || !likeness_of(f, g, to.build, app))
    return out;
  std::map<std::string, instance_list> by_machine;
  for (const auto* each : f.instances.of_group(g.id))
    if (each->version_id == g.deployed_version && each->application == app.name
        && may_stay(f, *each, app))
      by_machine[each->machine].push_back(each);
  drop_surplus(by_machine, app);
  for (const auto& [machine, list] : by_machine)
    for (const auto* each : list)
      out.insert(each->id);
  return out;
}

std::set<std::string> kept_in(const plan& p, const group& g) {
  std::set<std::string> out;
  for (const auto& each : p.applications)
    if (each.namespace_ == g.namespace_ && each.group == g.name)
      out.insert(each.kept.begin(), each.kept.end());
  return out;
}

bool is_deployed_already(const farm& f, const group& g, std::uint64_t build,
                         const std::vector<application>& applications) {
  const auto* deployed = deployed_version(f, g);
  return deployed && deployed->build == build
         && std::equal(deployed->applications.begin(), deployed->applications.end(),
                       applications.begin(), applications.end(), is_same);
}

} // namespace deployminator::actors
