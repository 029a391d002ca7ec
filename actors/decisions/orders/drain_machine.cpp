#include "actors/decisions/groups.hpp"
#include "actors/decisions/machines.hpp"
#include "actors/decisions/orders/order.hpp"
#include "actors/decisions/rollout_change.hpp"
#include "actors/decisions/rollout_table.hpp"
#include "actors/decisions/turns.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <set>
#include <string>

namespace deployminator::actors {

using namespace messages;

namespace {

/// The groups on the machine whose rollouts have to end first.
std::set<std::string> groups_that_follow(const farm& f, const std::string& machine) {
  std::set<std::string> out;
  for (const auto* each : f.instances.on_machine(machine)) {
    auto r = f.rollouts.find(each->group_id);
    const auto* under_way = r == f.rollouts.end() ? nullptr : &r->second;
    if (effect_of(under_way, intervention::drain) != effect::follows)
      continue;
    const auto& g = f.groups.at(each->group_id);
    out.insert(g.namespace_ + "/" + g.name);
  }
  return out;
}

std::string reason_for(const farm& f, const std::string& machine) {
  auto count = f.instances.on_machine(machine).size();
  if (count == 0)
    return "nothing is on it, and nothing new comes";
  auto out = fmt::format("{} instance{} on it come{} elsewhere first", count, count == 1 ? "" : "s",
                         count == 1 ? "s" : "");
  if (auto later = groups_that_follow(f, machine); !later.empty())
    out += fmt::format("; those of {} when what is under way there has ended",
                       fmt::join(later, ", "));
  return out;
}

void tell_of(edit& c, const machine& before, const machine& after, const std::string& reason) {
  auto from = before.lost ? machine_state::unreachable : state_within_reach(c.before(), before);
  auto to = after.lost ? machine_state::unreachable : state_within_reach(c.before(), after);
  c.tell(machine_change{after.name, from, to,
                        c.who().name.empty() ? reason
                                             : fmt::format("{} (by {})", reason, c.who().name)});
}

/// Drains it, or takes that back; where it is so already nothing changes.
versions_or_refusal set_draining(edit& c, const std::string& name, bool drains,
                                 const std::string& reason) {
  auto known = find_machine(c.before(), name);
  if (!known)
    return known.error();
  if (known->draining != drains) {
    auto& row = c.machine(name);
    row.draining = drains;
    tell_of(c, *known, row, reason);
  }
  return std::vector<group_version>{};
}

/// What waits for its turn to leave the machine need not leave it any more.
void give_up_waiting_moves(edit& c, const std::string& machine) {
  const auto& f = c.before();
  for (auto group_id : groups_that_wait(f)) {
    const auto& r = f.rollouts.at(group_id);
    bool leaves_it = std::ranges::all_of(r.leaving, [&](const std::string& id) {
      auto row = f.instances.find(id);
      return row != f.instances.end() && row->second.machine == machine;
    });
    if (leaves_it && r.order_id.empty())
      revert_rollout(c, group_id);
  }
}

} // namespace

versions_or_refusal order_kind<drain_machine>::decide(edit& c, const drain_machine& order,
                                                      const plan&) {
  return set_draining(c, order.machine, true, reason_for(c.before(), order.machine));
}

versions_or_refusal order_kind<undrain_machine>::decide(edit& c, const undrain_machine& order,
                                                        const plan&) {
  auto done = set_draining(c, order.machine, false, "it takes instances again");
  if (done)
    give_up_waiting_moves(c, order.machine);
  return done;
}

} // namespace deployminator::actors
