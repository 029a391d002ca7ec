#include "cli/snapshot.hpp"

#include "cli/tables.hpp"

#include <algorithm>

namespace deployminator::cli {

namespace {

constexpr int most_attempts = 5;

} // namespace

snapshot take_snapshot(client& server, const group_name& of) {
  using messages::query_subject;
  snapshot out;
  for (int attempt = 0; attempt < most_attempts; ++attempt) {
    auto groups = ask_table(server, query_subject::status, of);
    auto instances = ask_table(server, query_subject::instances, of);
    auto machines = ask_table(server, query_subject::machines);
    out = {std::min({groups.seq, instances.seq, machines.seq}), std::move(groups.groups),
           std::move(instances.instances), std::move(machines.machines),
           std::move(machines.troubles)};
    if (groups.seq == machines.seq)
      break;
  }
  return out;
}

json to_json(const snapshot& s, messages::timestamp now) {
  return {{"type", "snapshot"},
          {"time", messages::to_text(now)},
          {"seq", s.seq},
          {"groups", to_json(s.groups)},
          {"instances", to_json(s.instances)},
          {"machines", to_json(s.machines)}};
}

} // namespace deployminator::cli
