#include "actors/decisions/outside_placement.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <map>

namespace deployminator::actors {

using namespace messages;

namespace {

/// No column of the store takes a text that is much longer.
constexpr std::size_t longest_words = 300;

std::uint64_t own_instances(const placement_request& request) {
  std::uint64_t out = 0;
  for (const auto& each : request.candidates)
    out += each.own;
  return out;
}

std::uint64_t missing_in(const placement_request& request) {
  auto own = own_instances(request);
  return request.app.instances - std::min<std::uint64_t>(request.app.instances, own);
}

/// So many of the application may be on one machine.
std::uint64_t most_on_one(const placement_request& request) {
  const auto& app = request.app;
  auto most = app.per_machine ? app.instances : own_instances(request) + missing_in(request);
  return app.max_per_machine == 0 ? most : std::min<std::uint64_t>(most, app.max_per_machine);
}

std::uint64_t most_promised_on(const placement_request& request, const candidate& machine) {
  return most_promised_mb(machine.memory_mb, request.overcommit_percent);
}

/// So many more of the application fit on the machine.
std::uint64_t room_on(const placement_request& request, const candidate& machine) {
  auto most = most_on_one(request);
  auto more = most - std::min(most, machine.own);
  auto size = request.app.limits.max_memory_mb;
  if (request.overcommit_percent == 0 || size == 0)
    return more;
  auto limit = most_promised_on(request, machine);
  return std::min(more, (limit - std::min(limit, machine.promised_mb)) / size);
}

failure nonsense(const placement_request& request, const std::string& what) {
  return {failure_code::invalid, fmt::format("strategy {} {}", request.app.strategy, what),
          "see messages/README.md for what a strategy answers"};
}

failure cannot_place(const placement_request& request, const failure& why) {
  return {why.code, fmt::format("{} cannot be placed: {}", request.subject, why.message), why.hint};
}

/// Why these may not go to the machine, or nothing.
std::optional<failure> mistake_on(const placement_request& request, const std::string& machine,
                                  std::uint64_t count) {
  auto found = std::find_if(request.candidates.begin(), request.candidates.end(),
                            [&](const candidate& each) { return each.machine == machine; });
  if (found == request.candidates.end())
    return nonsense(request, fmt::format("chose machine \"{:.80}\" for {}, which is in none of its "
                                         "machine groups",
                                         machine, request.subject));
  if (!found->reachable)
    return nonsense(request, fmt::format("chose machine {} for {}, which is out of reach", machine,
                                         request.subject));
  if (found->own + count > most_on_one(request))
    return nonsense(request, fmt::format("put {} of {} on machine {}; expected {} at most",
                                         found->own + count, request.subject, machine,
                                         most_on_one(request)));
  if (count > room_on(request, *found))
    return nonsense(request,
                    fmt::format("put {} more of {} on machine {}, which has memory for {}", count,
                                request.subject, machine, room_on(request, *found)));
  return std::nullopt;
}

} // namespace

bool is_complete(const placement_request& request) {
  const auto& app = request.app;
  if (app.instances == 0)
    return true;
  if (!app.per_machine)
    return missing_in(request) == 0;
  return std::all_of(request.candidates.begin(), request.candidates.end(), [&](const auto& each) {
    return !each.reachable || each.own >= app.instances;
  });
}

messages::place question_for(const placement_request& request) {
  const auto& app = request.app;
  messages::place out{.strategy = app.strategy,
                      .application = request.subject,
                      .instances = app.instances,
                      .per_machine = app.per_machine,
                      .max_per_machine = app.max_per_machine,
                      .machine_groups = app.machine_groups,
                      .memory_mb = app.limits.max_memory_mb,
                      .missing = app.per_machine ? 0 : missing_in(request),
                      .machines = {}};
  for (const auto& each : request.candidates) {
    auto memory_mb
      = request.overcommit_percent == 0 ? each.memory_mb : most_promised_on(request, each);
    out.machines.push_back(
      {each.machine, each.reachable, memory_mb, each.promised_mb, each.instances, each.own});
  }
  return out;
}

result<placement> checked(const placement_request& request, const placed& answer) {
  const auto& app = request.app;
  if (answer.reason.empty() || answer.reason.size() > longest_words)
    return nonsense(request, fmt::format("gave a reason of {} bytes for {}; expected 1 to {}",
                                         answer.reason.size(), request.subject, longest_words));
  auto missing = missing_in(request);
  bool is_short
    = !app.per_machine && request.overcommit_percent > 0 && answer.machines.size() < missing;
  if (!app.per_machine && !is_short && answer.machines.size() != missing)
    return nonsense(request, fmt::format("chose machines for {} instances of {}; {} are missing",
                                         answer.machines.size(), request.subject, missing));
  std::map<std::string, std::uint64_t> counts;
  for (const auto& each : answer.machines)
    ++counts[each];
  for (const auto& [machine, count] : counts)
    if (auto mistake = mistake_on(request, machine, count))
      return *mistake;
  if (answer.machines.empty() && own_instances(request) == 0)
    return nonsense(request, fmt::format("chose no machine for {}", request.subject));
  auto reason = answer.reason;
  if (is_short)
    reason += fmt::format("; {} of {} placed", own_instances(request) + answer.machines.size(),
                          app.instances);
  return placement{answer.machines, reason, is_short};
}

result<placement> as_last_time(const placement_request& request, const failure& why) {
  if (!request.last)
    return cannot_place(request, why);
  placement out{{}, "where they were, for " + why.message, false};
  auto missing = missing_in(request);
  for (const auto& each : request.candidates) {
    auto last = request.last->find(each.machine);
    if (last == request.last->end() || !each.reachable)
      continue;
    auto wanted = request.app.per_machine ? request.app.instances : last->second;
    auto some = wanted - std::min<std::uint64_t>(wanted, each.own);
    if (!request.app.per_machine)
      some = std::min(some, missing - out.add.size());
    some = std::min(some, room_on(request, each));
    out.add.insert(out.add.end(), some, each.machine);
  }
  bool is_enough = request.app.per_machine ? !out.add.empty() : out.add.size() == missing;
  if (is_enough)
    return out;
  return cannot_place(request, why);
}

} // namespace deployminator::actors
