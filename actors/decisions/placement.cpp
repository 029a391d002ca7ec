#include "actors/decisions/placement.hpp"

#include "messages/digest.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <queue>
#include <tuple>

namespace deployminator::actors {

using messages::failure;
using messages::failure_code;

namespace {

/// A machine in the queue for the next instance; the least burdened one comes first.
struct burden {
  std::uint64_t own = 0;
  std::uint64_t instances = 0;
  std::uint64_t tie = 0;
  const std::string* machine = nullptr;

  bool operator>(const burden& other) const {
    return std::tie(own, instances, tie) > std::tie(other.own, other.instances, other.tie);
  }
};

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
  placement out;
  out.reason = "the machines with the fewest instances";
  std::priority_queue<burden, std::vector<burden>, std::greater<>> queue;
  std::uint64_t present = 0;
  for (const auto& each : request.candidates) {
    present += each.own;
    if (each.reachable)
      queue.push({each.own, each.instances,
                  messages::text_digest{}.add(request.subject).add(each.machine).value(),
                  &each.machine});
  }
  if (present >= request.app.instances)
    return out;
  if (queue.empty())
    return nobody_reachable(request);
  for (; present < request.app.instances; ++present) {
    auto least = queue.top();
    queue.pop();
    out.add.push_back(*least.machine);
    ++least.own;
    ++least.instances;
    queue.push(least);
  }
  return out;
}

messages::result<placement> place_pack(const placement_request& request) {
  if (request.app.per_machine)
    return place_one_per_machine(request);
  placement out;
  out.reason = "the fullest machines with room";
  std::vector<candidate> machines;
  std::uint64_t present = 0;
  for (const auto& each : request.candidates) {
    present += each.own;
    if (each.reachable)
      machines.push_back(each);
  }
  if (present >= request.app.instances)
    return out;
  if (machines.empty())
    return nobody_reachable(request);
  auto size = request.app.limits.max_memory_mb;
  // The fullest first; of those without room, which come last, the one that lacks least.
  auto comes_before = [size](const candidate& a, const candidate& b) {
    bool a_fits = a.promised_mb + size <= a.memory_mb;
    bool b_fits = b.promised_mb + size <= b.memory_mb;
    if (!a_fits && !b_fits)
      return a.memory_mb + b.promised_mb > b.memory_mb + a.promised_mb;
    return std::tuple{!a_fits, b.promised_mb, a.machine}
           < std::tuple{!b_fits, a.promised_mb, b.machine};
  };
  for (; present < request.app.instances; ++present) {
    auto chosen = std::min_element(machines.begin(), machines.end(), comes_before);
    out.add.push_back(chosen->machine);
    chosen->promised_mb += size;
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

} // namespace deployminator::actors
