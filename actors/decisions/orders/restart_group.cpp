#include "actors/decisions/groups.hpp"
#include "actors/decisions/orders/order.hpp"
#include "actors/decisions/rollout_change.hpp"

#include <fmt/format.h>

#include <vector>

namespace deployminator::actors {

using namespace messages;

namespace {

/// Those that the order means, where a new one could be started beside them: what is out of reach,
/// or on a machine that left the machine groups, stays as it is.
std::vector<instance> instances_of(const farm& f, const group& g, const restart_group& order) {
  std::vector<instance> out;
  const auto* deployed = deployed_version(f, g);
  if (!deployed)
    return out;
  auto given_up = given_up_when_superseded(f, g.id);
  for (const auto* each : f.instances.of_group(g.id)) {
    const auto* app = application_of(*deployed, each->application);
    bool is_meant = each->version_id == deployed->id && each->goal != instance_goal::stop && app
                    && !given_up.contains(each->id)
                    && (order.application.empty() || each->application == order.application);
    auto machine = f.machines.find(each->machine);
    if (is_meant && machine != f.machines.end() && !machine->second.lost
        && is_eligible(machine->second, *app))
      out.push_back(*each);
  }
  return out;
}

result<group> group_to_restart(const farm& f, const restart_group& order) {
  auto g = find_part_at_rest(f, order);
  if (!g)
    return g;
  if (instances_of(f, *g, order).empty())
    return failure{failure_code::refused,
                   fmt::format("nothing of {}/{} runs within reach", order.namespace_, order.group),
                   "`deploy start` starts what was stopped; see also `deploy machines`"};
  return g;
}

} // namespace

versions_or_refusal order_kind<restart_group>::decide(edit& c, const restart_group& order,
                                                      const plan&) {
  auto g = group_to_restart(c.before(), order);
  if (!g)
    return g.error();
  const auto& deployed = c.before().versions.at(g->deployed_version);
  auto old = instances_of(c.before(), *g, order);
  rollout r;
  r.group_id = g->id;
  r.to = deployed.id;
  r.leaving = leaving_for(c.before(), *g, deployed.id);
  for (const auto& each : old)
    r.leaving.push_back(each.id);
  r.order_id = order.order_id;
  r.purpose = fmt::format("{} is being restarted",
                          order.application.empty() ? "the group" : order.application);
  auto id = begin_rollout(c, std::move(r), "a restart").id;
  for (const auto& each : old)
    place_on(c, *g, *application_of(deployed, each.application), each.machine);
  return std::vector<group_version>{{g->namespace_, g->name, deployed.id, id}};
}

} // namespace deployminator::actors
