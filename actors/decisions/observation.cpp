#include "actors/decisions/observation.hpp"

#include "actors/decisions/assignment.hpp"
#include "messages/codec.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <set>

namespace deployminator::actors {

using namespace messages;

namespace {

event instance_event(const farm& f, const instance& before, const observation& now,
                     const moment& m) {
  const auto& v = f.versions.at(before.version_id);
  const auto& g = f.groups.at(v.group_id);
  instance_change what{before.id, before.application, before.machine, before.seen.state, now.state,
                       now.pid,   now.ports,          now.restarts,   now.exit,          now.reason,
                       now.output};
  return {0, m.now, g.namespace_, g.name, v.id, std::move(what)};
}

bool is_worth_telling(const observation& before, const observation& now) {
  return before.state != now.state || before.restarts != now.restarts || before.exit != now.exit
         || before.fetched != now.fetched || before.reason != now.reason;
}

/// The row of an instance that is on this machine, or null.
const instance* row_of(const farm& f, const std::string& machine, const std::string& id) {
  auto found = f.instances.find(id);
  return found != f.instances.end() && found->second.machine == machine ? &found->second : nullptr;
}

/// The version as `c` leaves it, for another edit.
version& version_in(const farm& f, std::uint64_t id, change& c) {
  auto found = std::find_if(c.versions.begin(), c.versions.end(),
                            [&](const version& each) { return each.id == id; });
  if (found != c.versions.end())
    return *found;
  return c.versions.emplace_back(f.versions.at(id));
}

/// Pins the hash of the application's first fetch into its version.
void pin(const farm& f, const instance& row, const observation& seen, const moment& m, change& c) {
  const auto& known = f.versions.at(row.version_id);
  auto lacks_hash
    = [&](const application& each) { return each.name == row.application && each.sha256.empty(); };
  if (seen.sha256.empty()
      || std::none_of(known.applications.begin(), known.applications.end(), lacks_hash))
    return;
  auto& v = version_in(f, row.version_id, c);
  for (auto& app : v.applications) {
    if (!lacks_hash(app))
      continue;
    app.sha256 = seen.sha256;
    const auto& g = f.groups.at(v.group_id);
    c.events.push_back({0, m.now, g.namespace_, g.name, v.id,
                        rollout_step{"pinned", fmt::format("{}: sha256 {} as first fetched by {}",
                                                           app.name, seen.sha256, row.machine)}});
  }
}

void remove_gone(const farm& f, const instance& row, observation last, const moment& m, change& c) {
  last.state = instance_state::stopped;
  last.pid = 0;
  if (last.reason.empty())
    last.reason = "gone";
  c.gone_instances.push_back(row.id);
  c.events.push_back(instance_event(f, row, last, m));
}

std::map<std::uint16_t, redirect> by_public_port(const public_ports& ports) {
  std::map<std::uint16_t, redirect> out;
  for (const auto& each : ports.list)
    out.emplace(each.public_port, each);
  return out;
}

/// An event of the group whose instance the port leads to now, else of that which lost it.
event port_event(const std::string& machine, const redirect& from, const redirect& to,
                 const moment& m) {
  const auto& about = to.instance.empty() ? from : to;
  return {
    0,
    m.now,
    about.namespace_,
    about.group,
    about.version,
    port_change{machine, to.public_port, to.label, from.instance, to.instance, to.port, to.reason}};
}

void note_ports(const farm& f, const std::string& machine_name, const public_ports& now,
                const moment& m, change& c) {
  auto known = f.machines.find(machine_name);
  if (known == f.machines.end() || known->second.ports == now)
    return;
  const auto& before = known->second.ports;
  c.machines.push_back(known->second);
  c.machines.back().ports = now;
  auto gone = by_public_port(before);
  for (const auto& [port, to] : by_public_port(now)) {
    auto node = gone.extract(port);
    auto from = node ? node.mapped() : redirect{};
    if (!node || from.instance != to.instance || from.port != to.port)
      c.events.push_back(port_event(machine_name, from, to, m));
  }
  for (const auto& [port, from] : gone)
    c.events.push_back(port_event(
      machine_name, from,
      {.public_port = port, .label = from.label, .reason = "it is not configured any more"}, m));
  if (before.problem != now.problem)
    c.events.push_back({0, m.now, {}, {}, 0, port_problem{machine_name, now.problem}});
}

/// Why this agent must not be taken for the machine in `row`, or nothing. A generation is committed
/// before an agent hears of it, so one that is ahead, or has the same with other content, got its
/// orders from another store.
std::optional<failure> objection_to(const agent_introduction& agent, const machine& row,
                                    const machine_assignment& wanted) {
  bool has_instances = !wanted.specs.empty() || !wanted.leaving.empty();
  if (!row.identity.empty() && row.identity != agent.identity && has_instances)
    return failure{
      failure_code::refused,
      fmt::format("machine {} has instances under an agent of another state directory", agent.name),
      "start this agent under another --name, or from the directory of the first"};
  bool holds_nothing = agent.assignment_digest == digest_of(std::vector<instance_spec>{});
  bool same_orders = agent.assignment_digest == digest_of(specs_of(wanted));
  bool from_elsewhere
    = agent.generation > row.generation || (agent.generation == row.generation && !same_orders);
  if (agent.generation > 0 && from_elsewhere && !holds_nothing)
    return failure{failure_code::refused,
                   fmt::format("the agent of {} holds orders of generation {} that this server "
                               "never gave (it knows {})",
                               agent.name, agent.generation, row.generation),
                   "its instances are left alone; restore the server's newest store, or give the "
                   "agent its old --name, or end its instances and remove its state directory"};
  return std::nullopt;
}

} // namespace

change observe(const farm& f, const std::string& machine_name, const report& news,
               const moment& m) {
  change c;
  std::set<std::string> mentioned;
  for (const auto& seen : news.seen) {
    mentioned.insert(seen.id);
    const auto* row = row_of(f, machine_name, seen.id);
    if (!row || row->seen == seen)
      continue;
    c.instances.push_back(*row);
    c.instances.back().seen = seen;
    if (is_worth_telling(row->seen, seen))
      c.events.push_back(instance_event(f, *row, seen, m));
    pin(f, *row, seen, m, c);
  }
  for (const auto& last : news.gone) {
    const auto* row = row_of(f, machine_name, last.id);
    if (row && row->goal == instance_goal::stop && mentioned.insert(last.id).second)
      remove_gone(f, *row, last, m, c);
  }
  if (news.full)
    for (const auto& [id, row] : f.instances)
      if (row.machine == machine_name && row.goal == instance_goal::stop && !mentioned.contains(id))
        remove_gone(f, row, row.seen, m, c);
  if (news.ports)
    note_ports(f, machine_name, *news.ports, m, c);
  raise_generations(f, c);
  return c;
}

result<change> machine_joined(const farm& f, const agent_introduction& agent,
                              const std::string& agent_version, bool was_reachable,
                              const moment& m) {
  auto known = f.machines.find(agent.name);
  machine row = known == f.machines.end() ? machine{} : known->second;
  auto wanted = assignment_of(f, agent.name);
  if (auto objection = objection_to(agent, row, wanted))
    return *objection;
  change c;
  row.name = agent.name;
  row.identity = agent.identity;
  row.groups = agent.groups;
  row.memory_mb = agent.memory_mb;
  row.agent_version = agent_version;
  // The next assignment must look newer than the empty one that the agent has from elsewhere.
  if (agent.generation >= row.generation && agent.assignment_digest != digest_of(specs_of(wanted)))
    row.generation = agent.generation + 1;
  row.last_seen = m.now;
  c.machines.push_back(row);
  if (!was_reachable)
    c.events.push_back({0,
                        m.now,
                        {},
                        {},
                        0,
                        machine_change{agent.name, machine_state::unreachable, machine_state::ready,
                                       "its agent said hello"}});
  return c;
}

change machine_lost(const farm& f, const std::string& machine_name, const std::string& reason,
                    const moment& m) {
  change c;
  auto known = f.machines.find(machine_name);
  if (known == f.machines.end())
    return c;
  c.machines.push_back(known->second);
  c.machines.back().last_seen = m.now;
  c.events.push_back(
    {0,
     m.now,
     {},
     {},
     0,
     machine_change{machine_name, machine_state::ready, machine_state::unreachable, reason}});
  return c;
}

std::vector<observation> observations_of(const farm& f, const std::string& machine_name) {
  std::vector<observation> out;
  for (const auto& [id, row] : f.instances)
    if (row.machine == machine_name)
      out.push_back(row.seen);
  return out;
}

} // namespace deployminator::actors
