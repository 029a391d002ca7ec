#include "actors/decisions/consequences.hpp"

namespace deployminator::actors {

using namespace messages;

consequences consequences_of(const farm& after, const change& c) {
  consequences out;
  for (const auto& each : c.machines)
    out.machines.insert(each.name);
  for (const auto& each : c.rollouts)
    out.rollouts[each.group_id].row = true;
  for (const auto& each : c.versions)
    if (after.rollouts.contains(each.group_id))
      out.rollouts[each.group_id].row = true;
  for (const auto& each : c.instances)
    if (after.rollouts.contains(each.group_id))
      out.rollouts[each.group_id].instances.insert(each.id);
  for (const auto& each : c.gone_instances)
    if (after.rollouts.contains(each.group_id))
      out.rollouts[each.group_id].instances.insert(each.id);
  for (const auto& each : c.finished_rollouts)
    out.finished.push_back(each);
  return out;
}

} // namespace deployminator::actors
