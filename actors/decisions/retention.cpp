#include "actors/decisions/retention.hpp"

#include <algorithm>
#include <set>
#include <utility>

namespace deployminator::actors {

using namespace messages;

namespace {

/// The versions that something of the group is of, or goes to.
std::set<std::uint64_t> versions_in_use(const farm& f, const group& g) {
  std::set<std::uint64_t> out{g.deployed_version, g.pending_version};
  if (auto r = f.rollouts.find(g.id); r != f.rollouts.end())
    out.insert({r->second.from, r->second.to});
  for (const auto* each : f.instances.of_group(g.id))
    out.insert(each->version_id);
  return out;
}

} // namespace

std::vector<gone_version> forgotten_versions(const farm& f, std::uint64_t group_id,
                                             std::size_t keep) {
  // Those that were deployed, by when; those that never were, by their numbers.
  std::vector<std::pair<std::uint64_t, const version*>> deployed, never;
  for (const auto& [id, each] : f.versions)
    if (each.group_id == group_id)
      (each.last_deployed ? deployed : never)
        .emplace_back(each.last_deployed ? each.last_deployed : id, &each);
  auto used = versions_in_use(f, f.groups.at(group_id));
  auto newest = f.versions.empty() ? 0 : f.versions.rbegin()->first;
  std::vector<gone_version> out;
  for (auto* some : {&deployed, &never}) {
    std::sort(some->rbegin(), some->rend());
    for (std::size_t i = keep; i < some->size(); ++i) {
      const auto& each = *(*some)[i].second;
      if (used.contains(each.id) || each.id == newest)
        continue;
      out.push_back({each.id, group_id, {}});
      for (const auto& app : each.applications)
        out.back().applications.push_back(app.id);
    }
  }
  return out;
}

} // namespace deployminator::actors
