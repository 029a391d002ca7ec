#include "actors/decisions/evening.hpp"
#include "actors/decisions/orders/order.hpp"
#include "actors/decisions/rollout_change.hpp"
#include "actors/decisions/turns.hpp"

#include <fmt/format.h>

#include <map>
#include <vector>

namespace deployminator::actors {

using namespace messages;

namespace {

/// Begins the rollout within the group's version that makes the moves.
group_version begin_moves(edit& c, const std::string& order_id, std::uint64_t group_id,
                          const std::vector<farm_move>& moves) {
  const auto g = c.before().groups.at(group_id);
  rollout r;
  r.group_id = group_id;
  r.to = g.deployed_version;
  // So the new come first, whatever the order is where a version takes another's place.
  r.each_alone = true;
  r.order_id = order_id;
  r.purpose = fmt::format("the farm is evened out: {} instance{} move{}", moves.size(),
                          moves.size() == 1 ? "" : "s", moves.size() == 1 ? "s" : "");
  for (const auto& each : moves)
    r.leaving.push_back(each.instance);
  auto id = begin_rollout(c, std::move(r), "a redistribution").id;
  const auto& deployed = c.before().versions.at(g.deployed_version);
  for (const auto& each : moves) {
    place_on(c, g, *application_of(deployed, each.application), each.to);
    c.tell(g, deployed.id,
           rollout_step{"placed",
                        fmt::format("{}: {} moves from {} to {}: {}", each.application,
                                    each.instance, each.from, each.to, each.reason),
                        id});
  }
  return {g.namespace_, g.name, deployed.id, id};
}

} // namespace

versions_or_refusal order_kind<redistribute_farm>::decide(edit& c, const redistribute_farm& order,
                                                          const placing_ground& on) {
  std::map<std::uint64_t, std::vector<farm_move>> by_group;
  for (auto& each : moves_to_even_out(c.before(), on))
    by_group[each.group_id].push_back(std::move(each));
  std::vector<group_version> out;
  auto before = count_moves(c.before());
  for (const auto& [group_id, moves] : by_group) {
    out.push_back(begin_moves(c, order.order_id, group_id, moves));
    tell_of_turn(c, group_id, before++);
  }
  return out;
}

} // namespace deployminator::actors
