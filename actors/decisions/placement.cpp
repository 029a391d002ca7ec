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
  std::sort(machines.begin(), machines.end(), [](const candidate& a, const candidate& b) {
    return std::tie(b.promised_mb, a.machine) < std::tie(a.promised_mb, b.machine);
  });
  // The fullest that has room stays it until it has none.
  for (auto& each : machines)
    for (; present < request.app.instances && each.promised_mb + size <= each.memory_mb;
         ++present) {
      out.add.push_back(each.machine);
      each.promised_mb += size;
    }
  // None has room: the one that lacks least.
  auto comes_later = [](const candidate& a, const candidate& b) {
    auto a_left = a.memory_mb + b.promised_mb;
    auto b_left = b.memory_mb + a.promised_mb;
    return std::tie(a_left, b.machine) < std::tie(b_left, a.machine);
  };
  std::priority_queue queue{machines.begin(), machines.end(), comes_later};
  for (; present < request.app.instances; ++present) {
    auto chosen = queue.top();
    queue.pop();
    out.add.push_back(chosen.machine);
    chosen.promised_mb += size;
    queue.push(std::move(chosen));
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
