#include "agent/linux/rules_now.hpp"

#include "agent/decisions/instance.hpp"
#include "agent/decisions/public_ports.hpp"
#include "agent/linux/ambience.hpp"
#include "agent/linux/journal_directory.hpp"
#include "agent/linux/nft_packet_filter.hpp"
#include "agent/linux/starter_link.hpp"
#include "agent/linux/starter_lock.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <optional>
#include <utility>

namespace deployminator::agent {

namespace {

using messages::result;

/// An instance whose program runs.
std::optional<found_instance> find_running(const std::string& id, const std::string& directory) {
  auto state = read_state(directory);
  if (!state || state->what != starter::phase::running || lock_holder(directory) == 0)
    return std::nullopt;
  found_instance out;
  out.id = id;
  out.granted.ports.assign(state->ports, state->ports + state->port_count);
  out.running = true;
  out.pid = state->pid;
  out.started_at.microseconds = state->started_at;
  return out;
}

/// As an agent that takes it over would see it.
messages::observation see(const spec_ptr& spec, found_instance found,
                          std::optional<instance_record> record) {
  instance_life life;
  life.spec = spec;
  moment now{std::chrono::steady_clock::now(), system_ambience().utc_now()};
  advance(life, begun{std::move(found), std::move(record), {}}, now);
  return life.seen;
}

port_candidates candidates_of(const directories& where, const agent_record& agent,
                              const std::vector<instance_record>& records) {
  port_candidates out;
  for (const auto& each : agent.specs) {
    auto spec = std::make_shared<const messages::instance_spec>(each);
    out[spec->id] = {spec, std::nullopt};
    auto found = find_running(spec->id, where.instance(spec->id));
    if (!found || spec->goal != messages::instance_goal::run)
      continue;
    auto record = std::find_if(records.begin(), records.end(),
                               [&](const auto& one) { return one.id == spec->id; });
    out[spec->id].seen = see(spec, std::move(*found),
                             record == records.end() ? std::nullopt : std::optional{*record});
  }
  return out;
}

std::string comment_on(const messages::port_target& each) {
  auto label = each.label.empty() ? "" : fmt::format(" ({})", each.label);
  auto target
    = each.instance.empty() ? "nowhere" : fmt::format("to {} :{}", each.instance, each.port);
  return fmt::format("# port {}{} leads {}: {}\n", each.public_port, label, target, each.reason);
}

} // namespace

result<std::string> rules_now(const directories& where,
                              const std::vector<messages::public_port_entry>& entries) {
  if (entries.empty())
    return std::string{"# no public ports are configured, so there are no rules\n"};
  journal_directory journal{where.journal()};
  auto agent = journal.load_agent();
  if (!agent)
    return agent.error();
  auto records = journal.load_instances();
  if (!records)
    return records.error();
  auto targets = choose_targets(entries, candidates_of(where, *agent, *records));
  std::string out;
  for (const auto& each : targets)
    out += comment_on(each);
  return out + rules_of_this_machine(map_of(targets));
}

} // namespace deployminator::agent
