#include "actors/decisions/silence.hpp"

#include "actors/decisions/edit.hpp"

#include <fmt/format.h>

namespace deployminator::actors {

using namespace messages;

bool silence::has_given_up(const std::string& machine, const application& app) const {
  auto found = lasting.find(machine);
  auto patience = patience_of(app, rules);
  return cut_off.empty() && found != lasting.end() && patience && found->second >= *patience;
}

std::optional<duration> patience_of(const application& app, const silence_rules& rules) {
  if (!app.replace_after)
    return rules.replace_after;
  return *app.replace_after == never_replaced ? std::nullopt : app.replace_after;
}

bool are_too_many(std::uint64_t silent, std::uint64_t machines, const silence_rules& rules) {
  return silent * rules.share_of > machines * rules.share;
}

silence silence_of(const farm& f, const presence& machines,
                   const std::map<std::string, duration>& since,
                   const std::set<std::string>& unheard, const silence_rules& rules, duration now) {
  silence out;
  out.rules = rules;
  std::uint64_t silent = 0;
  for (const auto& [name, row] : f.machines) {
    if (!machines.is_connected(name) || unheard.contains(name))
      out.unsure.insert(name);
    if (!row.lost || machines.is_reachable(name))
      continue;
    ++silent;
    auto known = since.find(name);
    out.lasting[name] = known == since.end() ? duration{0} : now - known->second;
  }
  if (are_too_many(silent, f.machines.size(), rules))
    out.cut_off = fmt::format("{} of {} machines are silent, more than {}/{}: the server takes "
                              "itself for cut off and replaces nothing",
                              silent, f.machines.size(), rules.share, rules.share_of);
  return out;
}

std::set<duration> patiences_on(const farm& f, const std::string& machine,
                                const silence_rules& rules) {
  std::set<duration> out;
  for (const auto* each : f.instances.on_machine(machine)) {
    auto v = f.versions.find(each->version_id);
    const auto* app
      = v == f.versions.end() ? nullptr : application_of(v->second, each->application);
    auto patience = app ? patience_of(*app, rules) : std::nullopt;
    if (patience)
      out.insert(*patience);
  }
  return out;
}

} // namespace deployminator::actors
