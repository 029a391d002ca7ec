#include "cli/usages.hpp"

#include <chrono>
#include <cmath>
#include <map>
#include <string>

namespace deployminator::cli {

namespace {

/// So many instances are on few machines, as a rule.
constexpr std::size_t most_measured = 1'000;
/// The server waits 2 s for the machines.
constexpr std::chrono::seconds usage_patience{5};

} // namespace

messages::measured ask_usages(client& server, const group_name& of) {
  messages::measure wanted;
  wanted.namespace_ = of.namespace_;
  wanted.group = of.group;
  return server.ask<messages::measured>(wanted, usage_patience);
}

void put_usage(json& to, const messages::instance_usage* usage) {
  to["cpu_percent"] = usage ? json(std::round(usage->cpu_percent * 10) / 10) : json();
  to["memory_bytes"] = usage ? json(usage->memory_bytes) : json();
  to["threads"] = usage ? json(usage->threads) : json();
  to["open_files"] = usage && usage->open_files ? json(*usage->open_files) : json();
}

json with_usages(client& server, const std::vector<messages::instance_row>& rows,
                 const group_name& of) {
  messages::measured found;
  bool any_runs = false;
  for (const auto& each : rows)
    any_runs = any_runs || each.pid != 0;
  if (any_runs && rows.size() <= most_measured) {
    try {
      found = ask_usages(server, of);
    } catch (const setback&) {
      // A server of an earlier release does not know; whatever else is wrong the rows do not need.
      found = {};
    }
  }
  std::map<std::string, const messages::instance_usage*> by_id;
  for (const auto& each : found.usages)
    by_id.emplace(each.id, &each);
  auto out = json::array();
  for (const auto& each : rows) {
    auto known = by_id.find(each.id);
    put_usage(out.emplace_back(to_json(each)), known == by_id.end() ? nullptr : known->second);
  }
  return out;
}

} // namespace deployminator::cli
