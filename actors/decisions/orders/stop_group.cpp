#include "actors/decisions/groups.hpp"
#include "actors/decisions/orders/order.hpp"
#include "actors/decisions/rollout_change.hpp"

#include <fmt/format.h>

namespace deployminator::actors {

using namespace messages;

namespace {

result<group> group_to_stop(const farm& f, const stop_group& order) {
  auto g = find_part(f, order);
  if (!g)
    return g;
  if (g->deployed_version == 0 && !f.rollouts.contains(g->id))
    return nothing_deployed(*g);
  if (is_stopped(*g, order.application.empty() ? "*" : order.application))
    return failure{failure_code::refused,
                   fmt::format("{}/{} is stopped already", order.namespace_, order.group),
                   "`deploy instances` shows what still runs"};
  return g;
}

} // namespace

versions_or_refusal order_kind<stop_group>::decide(edit& c, const stop_group& order, const plan&) {
  auto g = group_to_stop(c.before(), order);
  if (!g)
    return g.error();
  bool all = order.application.empty();
  rollout r;
  r.group_id = g->id;
  // A version on its way is given up: what it would start must not run.
  r.to = g->deployed_version;
  r.leaving = leaving_for(c.before(), *g, r.to);
  for (const auto* each : c.before().instances.of_group(g->id))
    if (each->version_id == r.to && each->goal != instance_goal::stop
        && (all || each->application == order.application))
      r.leaving.push_back(each->id);
  r.order_id = order.order_id;
  r.purpose = fmt::format("{} is being stopped", all ? "the group" : order.application);
  auto id = begin_rollout(c, std::move(r), "a stop").id;
  stop_leaving(c, g->id);
  c.group(g->id).stopped.insert(all ? "*" : order.application);
  return std::vector<group_version>{{g->namespace_, g->name, g->deployed_version, id}};
}

} // namespace deployminator::actors
