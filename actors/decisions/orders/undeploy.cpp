#include "actors/decisions/groups.hpp"
#include "actors/decisions/orders/order.hpp"
#include "actors/decisions/rollout_change.hpp"

#include <fmt/format.h>

namespace deployminator::actors {

using namespace messages;

wishes_or_refusal order_kind<undeploy>::needs(const farm&, const undeploy&) {
  return std::vector<wish>{};
}

versions_or_refusal order_kind<undeploy>::decide(edit& c, const undeploy& order, const plan&) {
  auto g = find_group(c.before(), order.namespace_, order.group);
  if (!g)
    return g.error();
  bool anything = g->deployed_version || c.before().rollouts.contains(g->id);
  if (!anything)
    return nothing_deployed(*g);
  rollout r;
  r.group_id = g->id;
  r.leaving = leaving_for(c.before(), *g, 0);
  r.order_id = order.order_id;
  r.purpose = "the group is being undeployed";
  auto id = begin_rollout(c, std::move(r)).id;
  // At once: what supersedes the undeploy, and may fail, does not bring them back.
  stop_leaving(c, g->id);
  c.group(g->id).deployed_version = 0;
  c.group(g->id).stopped.clear();
  if (g->deployed_version)
    c.version(g->deployed_version).state = version_state::retired;
  return std::vector<group_version>{{g->namespace_, g->name, 0, id}};
}

} // namespace deployminator::actors
