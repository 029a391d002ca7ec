#include "actors/decisions/machines.hpp"
#include "actors/decisions/orders/order.hpp"

#include <fmt/format.h>

#include <optional>

namespace deployminator::actors {

using namespace messages;

namespace {

/// Why the machine cannot be forgotten now, or nothing.
std::optional<failure> objection_to_forgetting(const farm& f, const machine& row) {
  if (!row.lost)
    return failure{failure_code::refused, fmt::format("{} is within reach", row.name),
                   "`deploy drain` empties it; once its agent has stopped it can be forgotten"};
  // Without what it waits for a rollout would take itself for done.
  for (const auto& [group_id, r] : f.rollouts)
    for (const auto& id : r.coming) {
      auto known = f.instances.find(id);
      if (known == f.instances.end() || known->second.machine != row.name
          || known->second.goal == instance_goal::stop)
        continue;
      const auto& g = f.groups.at(group_id);
      return failure{
        failure_code::refused,
        fmt::format("the rollout of {}/{} waits for {} on {}", g.namespace_, g.name, id, row.name),
        "wait for its end, or `deploy abort` it first"};
    }
  return std::nullopt;
}

} // namespace

versions_or_refusal order_kind<forget_machine>::decide(edit& c, const forget_machine& order,
                                                       const plan&) {
  const auto& f = c.before();
  auto row = find_machine(f, order.machine);
  if (!row)
    return row.error();
  if (auto objection = objection_to_forgetting(f, *row))
    return *objection;
  for (const auto* each : f.instances.on_machine(row->name)) {
    c.tell(f.groups.at(each->group_id), each->version_id,
           instance_change{each->id, each->application, each->machine, each->seen.state,
                           instance_state::stopped, 0, each->seen.ports, each->seen.restarts,
                           each->seen.exit, "its machine is gone for good", ""});
    c.erase_instance(each->id);
  }
  c.forget(*row);
  return std::vector<group_version>{};
}

} // namespace deployminator::actors
