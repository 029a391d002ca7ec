#include "actors/decisions/groups.hpp"
#include "actors/decisions/orders/order.hpp"
#include "actors/decisions/rollout_change.hpp"

#include <fmt/format.h>

namespace deployminator::actors {

using namespace messages;

namespace {

/// The group as the order leaves it.
result<group> group_to_start(const farm& f, const start_group& order) {
  auto g = find_part_at_rest(f, order);
  if (!g)
    return g;
  const auto* deployed = deployed_version(f, *g);
  if (!deployed)
    return nothing_deployed(*g);
  if (order.application.empty() ? g->stopped.empty() : !is_stopped(*g, order.application))
    return failure{failure_code::refused,
                   fmt::format("{}/{} is not stopped", order.namespace_, order.group),
                   "`deploy restart` starts it anew"};
  if (order.application.empty()) {
    g->stopped.clear();
  } else if (g->stopped.erase("*") > 0) {
    for (const auto& each : deployed->applications)
      g->stopped.insert(each.name);
  }
  g->stopped.erase(order.application);
  return g;
}

} // namespace

wishes_or_refusal order_kind<start_group>::needs(const farm& f, const start_group& order) {
  auto g = group_to_start(f, order);
  if (!g)
    return g.error();
  const auto& deployed = f.versions.at(g->deployed_version);
  return wishes_for(*g, deployed.id, deployed.applications);
}

versions_or_refusal order_kind<start_group>::decide(edit& c, const start_group& order,
                                                    const plan& p) {
  auto g = group_to_start(c.before(), order);
  if (!g)
    return g.error();
  const auto& deployed = c.before().versions.at(g->deployed_version);
  rollout r;
  r.group_id = g->id;
  r.to = deployed.id;
  r.leaving = leaving_for(c.before(), *g, deployed.id);
  // One that fails takes no other with it.
  r.each_alone = true;
  r.order_id = order.order_id;
  r.purpose = fmt::format("{} is being started",
                          order.application.empty() ? "the group" : order.application);
  auto id = begin_rollout(c, std::move(r)).id;
  for (const auto& each : deployed.applications)
    place(c, *g, each, placement_in(p, g->namespace_, g->name, each.name));
  c.group(g->id).stopped = g->stopped;
  return std::vector<group_version>{{g->namespace_, g->name, deployed.id, id}};
}

} // namespace deployminator::actors
