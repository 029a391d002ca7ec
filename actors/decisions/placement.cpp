#include "actors/decisions/placement.hpp"

#include "actors/decisions/pinned.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <tuple>

namespace deployminator::actors {

using messages::failure;
using messages::failure_code;

namespace {

/// It is a candidate, so it is in the machine groups, or is named.
placing_machine machine_of(const candidate& each, const wanted_application& wanted) {
  auto use = each.reachable ? machine_use::open : machine_use::closed;
  return {each.machine,
          wanted.machine_groups,
          use,
          each.memory_mb,
          each.instances - std::min(each.instances, each.own),
          each.promised_mb - std::min(each.promised_mb, each.own * wanted.memory_mb)};
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
messages::result<application_placement> placing_of(const placement_request& request,
                                                   const wanted_application& wanted) {
  std::vector<placing_machine> machines;
  std::vector<standing_count> current;
  bool somebody_is_open = false;
  for (const auto& each : request.candidates) {
    machines.push_back(machine_of(each, wanted));
    current.push_back({request.subject, each.machine, each.own});
    somebody_is_open = somebody_is_open || each.reachable;
  }
  auto placed = redistribute({wanted}, machines, current, {},
                             {.even_out = false, .overcommit_percent = request.overcommit_percent})
                  .front();
  bool none_there = std::all_of(current.begin(), current.end(),
                                [](const standing_count& each) { return each.count == 0; });
  bool lacks = wanted.per_machine ? none_there && wanted.count > 0 : placed.placed < placed.wanted;
  if (lacks && !somebody_is_open)
    return nobody_reachable(request);
  if (placed.placed == 0 && placed.wanted > 0)
    return failure{failure_code::refused,
                   fmt::format("{} cannot be placed: {}", request.subject, placed.shortfall),
                   "see `deploy machines`, and `limits.maxmemory` and `max_per_machine` in its "
                   "deploy.yaml"};
  return placed;
}

placement placement_of(const application_placement& placed, std::vector<std::string> add,
                       const std::string& reason) {
  bool is_short = !placed.shortfall.empty();
  return {std::move(add), is_short ? fmt::format("{}; {}", reason, placed.shortfall) : reason,
          is_short};
}

} // namespace

std::string subject_of(const std::string& namespace_, const std::string& group,
                       const std::string& application) {
  return fmt::format("{}/{}/{}", namespace_, group, application);
}

wanted_application wanted_for(const std::string& subject, const messages::application& app) {
  wanted_application out;
  out.name = subject;
  out.count = app.instances;
  out.per_machine = app.per_machine || app.strategy == "one-per-machine";
  out.at_most = app.max_per_machine;
  out.memory_mb = app.limits.max_memory_mb;
  out.packs = app.strategy == "pack";
  (app.strategy == "pinned" ? out.machine_names : out.machine_groups) = app.machine_groups;
  return out;
}

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
  auto placed = placing_of(request, wanted_for(request.subject, request.app));
  if (!placed)
    return placed.error();
  return placement_of(*placed, in_turns(placed->steps), "the machines with the fewest instances");
}

messages::result<placement> place_pack(const placement_request& request) {
  if (request.app.per_machine)
    return place_one_per_machine(request);
  auto wanted = wanted_for(request.subject, request.app);
  wanted.packs = true;
  auto placed = placing_of(request, wanted);
  if (!placed)
    return placed.error();
  std::map<std::string, std::uint64_t> promised;
  for (const auto& each : request.candidates)
    promised[each.machine] = each.promised_mb;
  auto& steps = placed->steps;
  std::sort(steps.begin(), steps.end(), [&](const placement_step& a, const placement_step& b) {
    return std::tie(promised[b.to], a.to) < std::tie(promised[a.to], b.to);
  });
  return placement_of(*placed, one_by_one(steps), "the fullest machines with room");
}

messages::result<placement> place_one_per_machine(const placement_request& request) {
  auto wanted = wanted_for(request.subject, request.app);
  wanted.per_machine = true;
  auto placed = placing_of(request, wanted);
  if (!placed)
    return placed.error();
  return placement_of(*placed, one_by_one(placed->steps),
                      fmt::format("{} on each machine", request.app.instances));
}

bool is_eligible(const messages::machine& machine, const messages::application& app) {
  return !machine.draining && may_be_on(machine.name, machine.groups, app);
}

} // namespace deployminator::actors
