#include "actors/decisions/placement.hpp"

#include "actors/decisions/pinned.hpp"
#include "actors/decisions/redistribute.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <tuple>

namespace deployminator::actors {

using messages::failure;
using messages::failure_code;

namespace {

/// Machines that may have it: whatever made them candidates.
const std::vector<std::string> candidates_group{"candidates"};

wanted_application wanted_of(const placement_request& request) {
  return {.name = request.subject,
          .count = request.app.instances,
          .per_machine = request.app.per_machine,
          .machine_groups = candidates_group,
          .machine_names = {},
          .memory_mb = request.app.limits.max_memory_mb};
}

placing_machine machine_of(const candidate& each, std::uint64_t size) {
  auto use = each.reachable ? machine_use::open : machine_use::closed;
  return {each.machine,
          candidates_group,
          use,
          each.memory_mb,
          each.instances - std::min(each.instances, each.own),
          each.promised_mb - std::min(each.promised_mb, each.own * size)};
}

/// One machine for each instance: first one for each machine, then the second ones.
std::vector<std::string> in_turns(const std::vector<placement_step>& steps) {
  std::vector<std::string> out;
  for (std::uint64_t turn = 0, before = 1; out.size() != before; ++turn) {
    before = out.size();
    for (const auto& each : steps)
      if (!each.to.empty() && each.count > turn)
        out.push_back(each.to);
  }
  return out;
}

/// Machine after machine.
std::vector<std::string> one_by_one(const std::vector<placement_step>& steps) {
  std::vector<std::string> out;
  for (const auto& each : steps)
    if (!each.to.empty())
      out.insert(out.end(), each.count, each.to);
  return out;
}

/// What `redistribute` starts of this one application. What runs stays where it is: taking away is
/// for whoever asked.
messages::result<std::vector<placement_step>> steps_for(const placement_request& request,
                                                        const wanted_application& wanted) {
  std::vector<placing_machine> machines;
  std::vector<standing_count> current;
  bool somebody_is_open = false;
  for (const auto& each : request.candidates) {
    machines.push_back(machine_of(each, wanted.memory_mb));
    current.push_back({request.subject, each.machine, each.own});
    somebody_is_open = somebody_is_open || each.reachable;
  }
  auto placed = redistribute({wanted}, machines, current, {}).front();
  bool none_there = std::all_of(current.begin(), current.end(),
                                [](const standing_count& each) { return each.count == 0; });
  bool lacks = wanted.per_machine ? none_there && wanted.count > 0 : placed.placed < placed.wanted;
  if (lacks && !somebody_is_open)
    return nobody_reachable(request);
  return std::move(placed.steps);
}

} // namespace

failure nobody_reachable(const placement_request& request) {
  return {failure_code::unreachable,
          fmt::format("{} cannot be placed: all {} machines of {} are out of reach",
                      request.subject, request.candidates.size(),
                      fmt::join(request.app.machine_groups, ", ")),
          "see `deploy machines`; start the agents, or wait until they are back"};
}

messages::result<placement> place_spread(const placement_request& request) {
  if (request.app.per_machine)
    return place_one_per_machine(request);
  auto steps = steps_for(request, wanted_of(request));
  if (!steps)
    return steps.error();
  return placement{in_turns(*steps), "the machines with the fewest instances"};
}

messages::result<placement> place_pack(const placement_request& request) {
  if (request.app.per_machine)
    return place_one_per_machine(request);
  auto wanted = wanted_of(request);
  wanted.packs = true;
  auto steps = steps_for(request, wanted);
  if (!steps)
    return steps.error();
  std::map<std::string, std::uint64_t> promised;
  for (const auto& each : request.candidates)
    promised[each.machine] = each.promised_mb;
  std::sort(steps->begin(), steps->end(), [&](const placement_step& a, const placement_step& b) {
    return std::tie(promised[b.to], a.to) < std::tie(promised[a.to], b.to);
  });
  return placement{one_by_one(*steps), "the fullest machines with room"};
}

messages::result<placement> place_one_per_machine(const placement_request& request) {
  auto wanted = wanted_of(request);
  wanted.per_machine = true;
  auto steps = steps_for(request, wanted);
  if (!steps)
    return steps.error();
  return placement{one_by_one(*steps), fmt::format("{} on each machine", request.app.instances)};
}

bool is_eligible(const messages::machine& machine, const messages::application& app) {
  return may_be_on(machine.name, machine.groups, app);
}

} // namespace deployminator::actors
