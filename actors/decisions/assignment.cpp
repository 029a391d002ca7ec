#include "actors/decisions/assignment.hpp"

#include "messages/codec.hpp"

#include <algorithm>
#include <set>

namespace deployminator::actors {

using namespace messages;

namespace {

const application* find_application(const version& v, const std::string& name) {
  auto found = std::find_if(v.applications.begin(), v.applications.end(),
                            [&](const application& each) { return each.name == name; });
  return found == v.applications.end() ? nullptr : &*found;
}

instance_spec spec_of(const farm& f, const instance& each) {
  instance_spec out{each.id, {}, {}, each.version_id, 0, each.goal, {}};
  const auto& of_version = f.versions.at(each.version_id);
  const auto& of_group = f.groups.at(of_version.group_id);
  out.namespace_ = of_group.namespace_;
  out.group = of_group.name;
  out.build = of_version.build;
  if (const auto* app = find_application(of_version, each.application))
    out.app = *app;
  return out;
}

bool pins_something(const version& before, const version& after) {
  for (const auto& app : after.applications) {
    const auto* old = find_application(before, app.name);
    if (old && old->sha256 != app.sha256)
      return true;
  }
  return false;
}

std::set<std::string> machines_concerned(const farm& f, const change& c) {
  std::set<std::string> out;
  for (const auto& each : c.instances) {
    auto before = f.instances.find(each.id);
    if (before == f.instances.end() || before->second.goal != each.goal)
      out.insert(each.machine);
  }
  for (const auto& each : c.versions) {
    auto before = f.versions.find(each.id);
    if (before == f.versions.end() || !pins_something(before->second, each))
      continue;
    for (const auto& [id, placed] : f.instances)
      if (placed.version_id == each.id && placed.goal != instance_goal::stop)
        out.insert(placed.machine);
  }
  return out;
}

} // namespace

std::vector<instance_spec> specs_of(const machine_assignment& a) {
  std::vector<instance_spec> out;
  out.reserve(a.specs.size());
  for (const auto& [id, spec] : a.specs)
    out.push_back(spec);
  return out;
}

machine_assignment assignment_of(const farm& f, const std::string& machine) {
  machine_assignment out;
  if (auto found = f.machines.find(machine); found != f.machines.end())
    out.generation = found->second.generation;
  for (const auto& [id, each] : f.instances) {
    if (each.machine != machine)
      continue;
    if (each.goal == instance_goal::stop)
      out.leaving.insert(id);
    else
      out.specs.emplace(id, spec_of(f, each));
  }
  return out;
}

void raise_generations(const farm& f, change& c) {
  for (const auto& name : machines_concerned(f, c)) {
    auto in_change = std::find_if(c.machines.begin(), c.machines.end(),
                                  [&](const machine& each) { return each.name == name; });
    if (in_change == c.machines.end()) {
      auto known = f.machines.find(name);
      if (known == f.machines.end())
        continue;
      in_change = c.machines.insert(c.machines.end(), known->second);
    }
    ++in_change->generation;
  }
}

std::vector<assignment> messages_for(const machine_assignment& base,
                                     const machine_assignment& target) {
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
  for (const auto& [id, spec] : target.specs) {
    auto held = base.specs.find(id);
    if (held == base.specs.end() || !(held->second == spec))
      room_for(to_bytes(spec).size()).put.push_back(spec);
  }
  auto removed = target.leaving;
  for (const auto& [id, spec] : base.specs)
    if (!target.specs.contains(id))
      removed.insert(id);
  for (const auto& id : removed)
    room_for(id.size() + 5).removed.push_back(id);
  auto digest = digest_of(specs_of(target));
  for (std::size_t i = 0; i < out.size(); ++i) {
    out[i].base = base.generation;
    out[i].generation = target.generation;
    out[i].digest = digest;
    out[i].part = static_cast<std::uint32_t>(i);
    out[i].parts = static_cast<std::uint32_t>(out.size());
  }
  return out;
}

} // namespace deployminator::actors
