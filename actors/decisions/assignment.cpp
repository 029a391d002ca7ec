#include "actors/decisions/assignment.hpp"

#include "actors/decisions/edit.hpp"
#include "messages/codec.hpp"

#include <algorithm>
#include <set>

namespace deployminator::actors {

using namespace messages;

namespace {

instance_spec spec_of(const farm& f, const instance& each) {
  instance_spec out{each.id, {}, {}, each.version_id, 0, each.goal, each.revision, {}};
  const auto& of_version = f.versions.at(each.version_id);
  const auto& of_group = f.groups.at(of_version.group_id);
  out.namespace_ = of_group.namespace_;
  out.group = of_group.name;
  out.build = of_version.build;
  if (const auto* app = application_of(of_version, each.application))
    out.app = *app;
  return out;
}

} // namespace

assignment_head assignment_head_of(const farm& f, const std::string& machine) {
  assignment_head out;
  if (auto found = f.machines.find(machine); found != f.machines.end())
    out.generation = found->second.generation;
  out.digest = f.instances.load_of(machine).digest;
  return out;
}

assignment_difference assignment_since(const farm& f, const std::string& machine,
                                       std::uint64_t base) {
  assignment_difference out{base, assignment_head_of(f, machine), {}, {}};
  for (const auto* each : f.instances.stopping_on(machine))
    out.removed.push_back(each->id);
  // Those of a store before revisions have revision 0.
  if (base == 0) {
    for (const auto* each : f.instances.on_machine(machine))
      if (each->goal != instance_goal::stop)
        out.put.push_back(spec_of(f, *each));
    return out;
  }
  for (const auto* each : f.instances.changed_on(machine, base))
    out.put.push_back(spec_of(f, *each));
  return out;
}

assignment_difference joined(assignment_difference earlier, assignment_difference later) {
  std::set<std::string> replaced{later.removed.begin(), later.removed.end()};
  for (const auto& each : later.put)
    replaced.insert(each.id);
  assignment_difference out{earlier.base, later.head, {}, std::move(later.removed)};
  for (auto& each : earlier.put)
    if (!replaced.contains(each.id))
      out.put.push_back(std::move(each));
  std::move(later.put.begin(), later.put.end(), std::back_inserter(out.put));
  for (auto& id : earlier.removed)
    if (!replaced.contains(id))
      out.removed.push_back(std::move(id));
  return out;
}

std::vector<assignment> messages_for(const assignment_difference& difference) {
  std::vector<assignment> out(1);
  std::size_t bytes = 0;
  auto room_for = [&](std::size_t more) -> assignment& {
    if (bytes > 0 && bytes + more > page_bytes) {
      out.emplace_back();
      bytes = 0;
    }
    bytes += more;
    return out.back();
  };
  for (const auto& each : difference.put)
    room_for(to_bytes(each).size()).put.push_back(each);
  for (const auto& id : difference.removed)
    room_for(id.size() + 5).removed.push_back(id);
  for (std::size_t i = 0; i < out.size(); ++i) {
    out[i].base = difference.base;
    out[i].generation = difference.head.generation;
    out[i].digest = difference.head.digest;
    out[i].part = static_cast<std::uint32_t>(i);
    out[i].parts = static_cast<std::uint32_t>(out.size());
  }
  return out;
}

} // namespace deployminator::actors
