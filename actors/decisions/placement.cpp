#include "actors/decisions/placement.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <string_view>
#include <tuple>

namespace deployminator::actors {

using messages::failure;
using messages::failure_code;

namespace {

/// 64-bit FNV-1a (http://www.isthe.com/chongo/tech/comp/fnv/), the same on every machine.
std::uint64_t hash_of(std::string_view a, std::string_view b) {
  std::uint64_t hash = 14695981039346656037U;
  for (auto part : {a, std::string_view{"\0", 1}, b})
    for (char c : part)
      hash = (hash ^ static_cast<unsigned char>(c)) * 1099511628211U;
  return hash;
}

std::vector<candidate> reachable_of(const placement_request& request) {
  std::vector<candidate> out;
  std::copy_if(request.candidates.begin(), request.candidates.end(), std::back_inserter(out),
               [](const candidate& each) { return each.reachable; });
  return out;
}

failure nobody_reachable(const placement_request& request) {
  return {failure_code::unreachable,
          fmt::format("{} cannot be placed: all {} machines of {} are out of reach",
                      request.subject, request.candidates.size(),
                      fmt::join(request.app.machine_groups, ", ")),
          "see `deploy machines`; start the agents, or wait until they are back"};
}

} // namespace

messages::result<placement> place_spread(const placement_request& request) {
  std::uint64_t present = 0;
  for (const auto& each : request.candidates)
    present += each.own;
  auto machines = reachable_of(request);
  placement out;
  out.reason = "the machines with the fewest instances";
  if (present >= request.app.instances)
    return out;
  if (machines.empty())
    return nobody_reachable(request);
  auto burden = [&](const candidate& each) {
    return std::tuple{each.own, each.instances, hash_of(request.subject, each.machine)};
  };
  for (; present < request.app.instances; ++present) {
    auto least = std::min_element(
      machines.begin(), machines.end(),
      [&](const candidate& a, const candidate& b) { return burden(a) < burden(b); });
    out.add.push_back(least->machine);
    ++least->own;
    ++least->instances;
  }
  return out;
}

messages::result<placement> place_one_per_machine(const placement_request& request) {
  placement out;
  out.reason = fmt::format("{} on each machine", request.app.instances);
  bool none_there = true;
  for (const auto& each : request.candidates) {
    none_there = none_there && each.own == 0;
    if (!each.reachable)
      continue;
    for (auto count = each.own; count < request.app.instances; ++count)
      out.add.push_back(each.machine);
  }
  if (out.add.empty() && none_there && request.app.instances > 0)
    return nobody_reachable(request);
  return out;
}

bool is_eligible(const messages::machine& machine, const messages::application& app) {
  return std::find_first_of(machine.groups.begin(), machine.groups.end(),
                            app.machine_groups.begin(), app.machine_groups.end())
         != machine.groups.end();
}

messages::result<placement_request> placement_request_for(const messages::farm& farm,
                                                          const std::set<std::string>& reachable,
                                                          const std::string& group_name,
                                                          std::uint64_t version_id,
                                                          const messages::application& app) {
  placement_request out{group_name + "/" + app.name, app, {}};
  std::map<std::string, std::uint64_t> of_machine;
  std::set<std::string> known_groups;
  for (const auto& [name, machine] : farm.machines) {
    known_groups.insert(machine.groups.begin(), machine.groups.end());
    if (!is_eligible(machine, app))
      continue;
    of_machine[name] = out.candidates.size();
    out.candidates.push_back({name, reachable.contains(name), machine.memory_mb, 0, 0});
  }
  if (out.candidates.empty())
    return failure{failure_code::not_found,
                   fmt::format("{} cannot be placed: no machine is in the machine group {}",
                               out.subject, fmt::join(app.machine_groups, ", ")),
                   known_groups.empty()
                     ? "no machine has connected yet: start an autodeployer"
                     : fmt::format("there are: {}", fmt::join(known_groups, ", "))};
  for (const auto& [id, each] : farm.instances) {
    auto at = of_machine.find(each.machine);
    if (at == of_machine.end() || each.goal == messages::instance_goal::stop)
      continue;
    auto& there = out.candidates[at->second];
    ++there.instances;
    if (each.version_id == version_id && each.application == app.name)
      ++there.own;
  }
  return out;
}

} // namespace deployminator::actors
