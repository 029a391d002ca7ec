#include "actors/decisions/observation.hpp"

#include "actors/decisions/edit.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <set>

namespace deployminator::actors {

using namespace messages;

namespace {

void tell_of_instance(const instance& before, const observation& now, edit& c) {
  instance_change what{before.id, before.application, before.machine, before.seen.state, now.state,
                       now.pid,   now.ports,          now.restarts,   now.exit,          now.reason,
                       now.output};
  c.tell(c.before().groups.at(before.group_id), before.version_id, std::move(what));
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

/// Pins the hash of the application's first fetch into its version.
void pin(const instance& row, const observation& seen, edit& c) {
  if (seen.sha256.empty())
    return;
  const auto* known = application_of(c.before().versions.at(row.version_id), row.application);
  if (!known || !known->sha256.empty())
    return;
  for (auto& app : c.version(row.version_id).applications) {
    if (app.name != row.application || !app.sha256.empty())
      continue;
    app.sha256 = seen.sha256;
    c.tell(c.before().groups.at(row.group_id), row.version_id,
           rollout_step{"pinned", fmt::format("{}: sha256 {} as first fetched by {}", app.name,
                                              seen.sha256, row.machine)});
  }
}

void remove_gone(const instance& row, observation last, edit& c) {
  last.state = instance_state::stopped;
  last.pid = 0;
  if (last.reason.empty())
    last.reason = "gone";
  c.erase_instance(row.id);
  tell_of_instance(row, last, c);
}

std::map<std::uint16_t, port_target> by_public_port(const public_ports& ports) {
  std::map<std::uint16_t, port_target> out;
  for (const auto& each : ports.list)
    out.emplace(each.public_port, each);
  return out;
}

/// Tells the group whose instance the port leads to now, else the one which lost it.
void tell_of_port(const std::string& machine, const port_target& from, const port_target& to,
                  edit& c) {
  const auto& about = to.instance.empty() ? from : to;
  c.tell(
    {0, about.namespace_, about.group}, about.version,
    port_change{machine, to.public_port, to.label, from.instance, to.instance, to.port, to.reason});
}

void note_ports(const std::string& machine_name, const public_ports& now, edit& c) {
  auto known = c.before().machines.find(machine_name);
  if (known == c.before().machines.end() || known->second.ports == now)
    return;
  const auto& before = known->second.ports;
  c.machine(machine_name).ports = now;
  auto gone = by_public_port(before);
  for (const auto& [port, to] : by_public_port(now)) {
    auto node = gone.extract(port);
    auto from = node ? node.mapped() : port_target{};
    if (!node || from.instance != to.instance || from.port != to.port)
      tell_of_port(machine_name, from, to, c);
  }
  for (const auto& [port, from] : gone)
    tell_of_port(
      machine_name, from,
      {.public_port = port, .label = from.label, .reason = "it is not configured any more"}, c);
  if (before.problem != now.problem)
    c.tell(port_problem{machine_name, now.problem});
}

bool has(const std::vector<machine_trouble>& all, const machine_trouble& wanted) {
  return std::any_of(all.begin(), all.end(),
                     [&](const machine_trouble& each) { return each.what == wanted.what; });
}

void note_troubles(const std::string& name, const std::vector<machine_trouble>& now, edit& c) {
  auto known = c.before().machines.find(name);
  if (known == c.before().machines.end() || known->second.troubles == now)
    return;
  const auto& before = known->second.troubles;
  c.machine(name).troubles = now;
  for (const auto& each : now)
    if (!has(before, each))
      c.tell(trouble_change{name, each.what, each.since, each.hint});
  for (const auto& each : before)
    if (!has(now, each))
      c.tell(trouble_change{name, each.what, each.since, each.hint, true});
}

/// An agent that was killed while its disk was full knows less than it has told: how the program
/// ended last is not forgotten for that.
observation with_known_exit(observation now, const observation& before) {
  if (!now.exit)
    now.exit = before.exit;
  return now;
}

} // namespace

change observe(const farm& f, const std::string& machine_name, const report& news,
               const moment& m) {
  // One that was forgotten says nothing of interest.
  if (!f.machines.contains(machine_name))
    return {};
  edit c{f, m};
  std::set<std::string> mentioned;
  for (const auto& each : news.seen) {
    mentioned.insert(each.id);
    const auto* row = row_of(f, machine_name, each.id);
    auto seen = row ? with_known_exit(each, row->seen) : each;
    if (!row || row->seen == seen)
      continue;
    c.instance(row->id).seen = seen;
    if (is_worth_telling(row->seen, seen))
      tell_of_instance(*row, seen, c);
    pin(*row, seen, c);
  }
  for (const auto& last : news.gone) {
    const auto* row = row_of(f, machine_name, last.id);
    if (row && row->goal == instance_goal::stop && mentioned.insert(last.id).second)
      remove_gone(*row, last, c);
  }
  if (news.full)
    for (const auto* row : f.instances.on_machine(machine_name))
      if (row->goal == instance_goal::stop && !mentioned.contains(row->id))
        remove_gone(*row, row->seen, c);
  if (news.ports)
    note_ports(machine_name, *news.ports, c);
  // An agent of an earlier release says nothing of them.
  if (news.troubles || news.full)
    note_troubles(machine_name, news.troubles.value_or(std::vector<machine_trouble>{}), c);
  return std::move(c).done();
}

} // namespace deployminator::actors
