#include "actors/decisions/groups.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <set>
#include <vector>

namespace deployminator::actors {

using namespace messages;

namespace {

constexpr std::size_t groups_named = 8;

failure no_such_group(const farm& f, const std::string& namespace_, const std::string& name) {
  std::vector<std::string> known;
  for (const auto& [id, each] : f.groups)
    known.push_back(each.namespace_ + "/" + each.name);
  std::sort(known.begin(), known.end());
  if (known.size() > groups_named)
    known.resize(groups_named);
  return {failure_code::not_found, fmt::format("there is no group {}/{}", namespace_, name),
          known.empty() ? "nothing was deployed yet"
                        : fmt::format("there are: {}", fmt::join(known, ", "))};
}

} // namespace

const group* group_named(const farm& f, const std::string& namespace_, const std::string& name) {
  for (const auto& [id, each] : f.groups)
    if (each.name == name && each.namespace_ == namespace_)
      return &each;
  return nullptr;
}

result<group> find_group(const farm& f, const std::string& namespace_, const std::string& name) {
  if (const auto* found = group_named(f, namespace_, name))
    return *found;
  return no_such_group(f, namespace_, name);
}

result<group> find_part(const farm& f, const part_of_group& order) {
  auto g = find_group(f, order.namespace_, order.group);
  if (!g || order.application.empty())
    return g;
  std::set<std::string> names;
  for (auto id : {g->deployed_version, g->pending_version})
    if (auto v = f.versions.find(id); v != f.versions.end())
      for (const auto& each : v->second.applications)
        names.insert(each.name);
  if (names.contains(order.application))
    return g;
  return failure{failure_code::not_found,
                 fmt::format("group {}/{} has no application {}", order.namespace_, order.group,
                             order.application),
                 names.empty() ? "nothing of it is deployed"
                               : fmt::format("there are: {}", fmt::join(names, ", "))};
}

result<group> find_part_at_rest(const farm& f, const part_of_group& order) {
  auto g = find_part(f, order);
  const auto* changing = g ? change_of_version(f, *g) : nullptr;
  if (!changing)
    return g;
  return failure{failure_code::refused,
                 fmt::format("{}/{} is on its way to {}", order.namespace_, order.group,
                             named_version(changing->to)),
                 "wait for its end; `deploy watch` follows it"};
}

failure nothing_deployed(const group& g) {
  return {failure_code::refused, fmt::format("nothing of {}/{} is deployed", g.namespace_, g.name),
          "`deploy status` shows what is"};
}

bool is_stopped(const group& g, const std::string& application) {
  return g.stopped.contains("*") || g.stopped.contains(application);
}

const version* deployed_version(const farm& f, const group& g) {
  auto found = f.versions.find(g.deployed_version);
  return found == f.versions.end() ? nullptr : &found->second;
}

const rollout* change_of_version(const farm& f, const group& g) {
  auto found = f.rollouts.find(g.id);
  bool within = found == f.rollouts.end()
                || (found->second.to != 0 && found->second.to == found->second.from);
  return within ? nullptr : &found->second;
}

std::string named_version(std::uint64_t id) {
  return id ? fmt::format("version {}", id) : std::string{"nothing"};
}

} // namespace deployminator::actors
