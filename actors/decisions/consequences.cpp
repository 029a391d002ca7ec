#include "actors/decisions/consequences.hpp"

namespace deployminator::actors {

using namespace messages;

namespace {

/// Upkeep hears of machines that come from whoever lets them in.
void note_occasion(consequences& out, const farm& after, const machine_change& told) {
  bool was_draining = told.from == machine_state::draining || told.from == machine_state::drained;
  if (!after.machines.contains(told.machine))
    out.occasions.push_back(told.machine + " is gone for good");
  else if (told.to == told.from)
    out.occasions.push_back(told.machine + ": " + told.reason);
  else if (told.to == machine_state::draining && told.from == machine_state::ready)
    out.occasions.push_back(told.machine + " drains");
  else if (told.to == machine_state::ready && was_draining)
    out.occasions.push_back(told.machine + " takes instances again");
}

} // namespace

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
  for (const auto& each : c.events)
    if (const auto* told = std::get_if<machine_change>(&each.what))
      note_occasion(out, after, *told);
  return out;
}

} // namespace deployminator::actors
