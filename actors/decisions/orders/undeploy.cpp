#include "actors/decisions/groups.hpp"
#include "actors/decisions/orders/order.hpp"
#include "actors/decisions/rollout_change.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <map>
#include <set>
#include <string>

namespace deployminator::actors {

using namespace messages;

namespace {

/// Says which data stays on which machines: nobody removes it but a person.
void tell_of_data(edit& c, const group& g, std::uint64_t rollout_id) {
  std::map<std::pair<std::string, std::string>, std::set<std::string>> machines;
  for (const auto* each : c.before().instances.of_group(g.id)) {
    const auto* app = application_of(c.before().versions.at(each->version_id), each->application);
    if (app && !app->data.empty())
      machines[{app->name, app->data}].insert(each->machine);
  }
  for (const auto& [what, where] : machines)
    c.tell(g, g.deployed_version,
           rollout_step{"kept",
                        fmt::format("the data {} of {} stays on {}, and wherever it ran before",
                                    what.second, what.first, fmt::join(where, ", ")),
                        rollout_id});
}

} // namespace

versions_or_refusal order_kind<undeploy>::decide(edit& c, const undeploy& order, const plan&) {
  auto g = find_group(c.before(), order.namespace_, order.group);
  if (!g)
    return g.error();
  bool anything = g->deployed_version || c.before().rollouts.contains(g->id)
                  || !c.before().instances.of_group(g->id).empty();
  if (!anything)
    return nothing_deployed(*g);
  rollout r;
  r.group_id = g->id;
  r.leaving = leaving_for(c.before(), *g, 0);
  r.order_id = order.order_id;
  r.purpose = "the group is being undeployed";
  auto id = begin_rollout(c, std::move(r)).id;
  tell_of_data(c, *g, id);
  // At once: what supersedes the undeploy, and may fail, does not bring them back.
  stop_leaving(c, g->id);
  c.group(g->id).deployed_version = 0;
  c.group(g->id).stopped.clear();
  if (g->deployed_version)
    c.version(g->deployed_version).state = version_state::retired;
  return std::vector<group_version>{{g->namespace_, g->name, 0, id}};
}

} // namespace deployminator::actors
