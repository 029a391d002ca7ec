#include "actors/decisions/join.hpp"

#include "actors/decisions/assignment.hpp"
#include "actors/decisions/edit.hpp"
#include "actors/decisions/machines.hpp"
#include "messages/digest.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace deployminator::actors {

using namespace messages;

namespace {

/// Of an assignment without instances.
constexpr std::uint64_t digest_of_nothing = 0;

/// What a database keeps in a column with a length.
constexpr std::size_t longest_column = 255;

/// Why what an agent says of itself cannot be stored, or nothing.
std::optional<failure> oversize_of(const agent_introduction& agent,
                                   const std::string& agent_version) {
  auto longest = std::max({agent.name.size(), agent.identity.size(), agent_version.size()});
  if (longest <= longest_column)
    return std::nullopt;
  return failure{
    failure_code::invalid,
    fmt::format("an agent has a name, identity or version of {} bytes, expected {} at most",
                longest, longest_column),
    "this is no agent of this suite"};
}

/// Why this agent must not be taken for the machine in `row`, or nothing. A generation is committed
/// before an agent hears of it, so one that is ahead, or has the same with other content, got its
/// orders from another store.
std::optional<failure> objection_to(const farm& f, const agent_introduction& agent,
                                    const machine& row, const assignment_head& wanted,
                                    bool is_proven) {
  bool has_instances = !f.instances.on_machine(agent.name).empty();
  bool is_another = !row.identity.empty() && row.identity != agent.identity;
  if (is_another && has_instances && !is_proven)
    return failure{
      failure_code::refused,
      fmt::format("machine {} has instances under an agent of another state directory", agent.name),
      "start this agent under another --name, or from the directory of the first"};
  bool holds_nothing = agent.assignment_digest == digest_of_nothing;
  bool other_content
    = agent.generation == row.generation && agent.assignment_digest != wanted.digest;
  if (agent.generation > 0 && (agent.generation > row.generation || other_content)
      && !holds_nothing)
    return failure{
      failure_code::refused,
      fmt::format("the agent of {} holds orders of generation {} that this server "
                  "never gave (it knows {})",
                  agent.name, agent.generation, row.generation),
      "its instances are left alone; restore the server's newest store, or, to have the "
      "machine obey this one, run `autodeployer --leave-farm` there"};
  return std::nullopt;
}

} // namespace

result<join> machine_joined(const farm& f, const agent_introduction& agent,
                            const std::string& agent_version, bool is_proven, const moment& m) {
  if (auto too_long = oversize_of(agent, agent_version))
    return *too_long;
  auto known = f.machines.find(agent.name);
  bool is_known = known != f.machines.end();
  machine row = is_known ? known->second : machine{};
  join out{{}, is_known, is_known && !row.lost, is_known && row.groups == agent.groups};
  auto wanted = assignment_head_of(f, agent.name);
  if (auto objection = objection_to(f, agent, row, wanted, is_proven))
    return *objection;
  row.name = agent.name;
  row.identity = agent.identity;
  row.groups = agent.groups;
  row.memory_mb = agent.memory_mb;
  row.agent_version = agent_version;
  // The next assignment must look newer than what the agent has: nothing, from elsewhere, or the
  // same as read by another release, which may have passed over keys that this one knows.
  bool stays_as_it_is = assignment_head{agent.generation, agent.assignment_digest} == wanted
                        && !agent.wants_assignment;
  if (agent.generation >= row.generation && !stays_as_it_is)
    row.generation = agent.generation + 1;
  row.last_seen = m.now;
  row.lost = false;
  edit c{f, m};
  auto state = state_within_reach(f, row);
  c.put(std::move(row));
  if (!out.was_reachable)
    c.tell(machine_change{agent.name, machine_state::unreachable, state, "its agent said hello"});
  out.what = std::move(c).done();
  return out;
}

change machine_lost(const farm& f, const std::string& machine_name, const std::string& reason,
                    timestamp heard, const moment& m) {
  edit c{f, m};
  auto known = f.machines.find(machine_name);
  if (known != f.machines.end() && !known->second.lost) {
    auto& row = c.machine(machine_name);
    row.last_seen = std::max(row.last_seen, heard);
    row.lost = true;
    c.tell(machine_change{machine_name, state_within_reach(f, known->second),
                          machine_state::unreachable, reason});
  }
  return std::move(c).done();
}

std::uint64_t observation_digest_of(const farm& f, const std::string& machine_name) {
  std::uint64_t sum = 0;
  for (const auto* each : f.instances.on_machine(machine_name))
    sum += digest_of(each->seen);
  return sum;
}

} // namespace deployminator::actors
