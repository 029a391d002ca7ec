#include "actors/decisions/foresight.hpp"

#include "actors/decisions/definition.hpp"
#include "actors/decisions/groups.hpp"
#include "actors/decisions/placement.hpp"
#include "actors/decisions/rollout.hpp"
#include "messages/codec.hpp"
#include "messages/digest.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <set>
#include <utility>

namespace deployminator::actors {

using namespace messages;

namespace {

using row_list = std::vector<const instance*>;

/// What happens to the instances of one application.
struct application_ahead {
  row_list comes;
  row_list leaves;
  row_list stays;
};

/// What an order does to a group.
struct group_ahead {
  const farm& before;
  const build_to_deploy& order;
  const plan& where;
  group now;
  rollout way;
  /// The version that is deployed, and the one that comes; the same where nothing changes, and the
  /// first null where nothing is deployed.
  const version* from = nullptr;
  const version* to = nullptr;
  std::map<std::string, application_ahead> applications;
};

template <class Rows>
auto row_with(const Rows& rows, auto is_it) {
  auto found = std::find_if(rows.begin(), rows.end(), is_it);
  return found == rows.end() ? nullptr : &*found;
}

group_ahead look_ahead(const farm& f, const change& c, const build_to_deploy& order,
                       const plan& where, const group_version& done) {
  const auto* known = group_named(f, done.namespace_, done.group);
  const auto* fresh = row_with(c.groups, [&](const group& each) {
    return each.namespace_ == done.namespace_ && each.name == done.group;
  });
  group_ahead out{f, order, where, known ? *known : *fresh, {}, nullptr, nullptr, {}};
  out.way = *row_with(c.rollouts, [&](const auto& each) { return each.group_id == out.now.id; });
  out.from = deployed_version(f, out.now);
  const auto* made
    = row_with(c.versions, [&](const auto& each) { return each.id == done.version; });
  out.to = made ? made : &f.versions.at(done.version);
  std::set<std::string> coming{out.way.coming.begin(), out.way.coming.end()};
  std::set<std::string> leaving{out.way.leaving.begin(), out.way.leaving.end()};
  for (const auto& each : c.instances)
    if (coming.contains(each.id))
      out.applications[each.application].comes.push_back(&each);
  for (const auto* each : f.instances.of_group(out.now.id)) {
    auto& app = out.applications[each->application];
    (leaving.contains(each->id) ? app.leaves : app.stays).push_back(each);
  }
  return out;
}

/// `args, env.MODE and 3 more`
std::string named_fields(const std::vector<field_difference>& list) {
  constexpr std::size_t most = 4;
  std::vector<std::string> names;
  for (const auto& each : list)
    names.push_back(each.field);
  auto count = names.size();
  names.resize(std::min(count, most));
  auto more = count > most ? fmt::format(" and {} more", count - most) : "";
  return fmt::format("{}{}", fmt::join(names, ", "), more);
}

/// Why an old instance of an application that goes on has to make way.
std::string reason_for_new(const group_ahead& g, const instance& old, const application& app) {
  auto build = g.order.order.build;
  if (g.from->build != build)
    return fmt::format("build {} in place of build {}", build, g.from->build);
  auto what = differences(application_of(*g.from, app.name), &app);
  // How many there are, and what rolls them out, is no business of a running program.
  std::erase_if(what, [](const auto& each) {
    return each.field == "instances" || each.field == "strategy" || each.field == "machines"
           || each.field == "instancesmeansperautodeployer"
           || (each.field.starts_with("rollout.") && each.field != "rollout.min_ready");
  });
  if (!what.empty())
    return fmt::format("the same build with other {}", named_fields(what));
  auto machine = g.before.machines.find(old.machine);
  if (machine == g.before.machines.end() || machine->second.lost)
    return fmt::format("{} is out of reach", old.machine);
  if (!is_eligible(machine->second, app))
    return fmt::format("{} is none of its machines any more", old.machine);
  if (!is_proven(old.seen))
    return "the one that is there is not ready";
  if (g.order.order.force)
    return "forced: nobody knows whether the bytes are the same";
  return "it has to be another one";
}

std::string reason_to_stop(const group_ahead& g, const instance& old, const application* app) {
  if (old.goal == instance_goal::stop)
    return "it is being stopped already";
  if (old.version_id != g.now.deployed_version)
    return fmt::format("version {} is given up", old.version_id);
  if (!app)
    return "the group has no such application any more";
  const auto* before = application_of(*g.from, app->name);
  if (before && before->instances > app->instances)
    return fmt::format("{} are wanted instead of {}", app->instances, before->instances);
  return "no more are wanted";
}

std::string reason_to_keep(const group_ahead& g) {
  return g.way.to == g.now.deployed_version ? "it runs this build with this definition"
                                            : "the same build, started alike, and ready";
}

/// Why new ones come where they come.
std::string reason_for_place(const group_ahead& g, const application& app) {
  auto where = placement_in(g.where, g.now.namespace_, g.now.name, app.name);
  return fmt::format("{}: {}", app.strategy, where.reason);
}

planned_change change_of(const group_ahead& g, plan_action action, const std::string& app) {
  planned_change out;
  out.action = action;
  out.namespace_ = g.now.namespace_;
  out.group = g.now.name;
  out.application = app;
  out.version = g.to->id;
  return out;
}

/// Takes the one out whose place the new one takes: on its machine, else on any. Null: it takes
/// nobody's.
const instance* predecessor(row_list& old, const std::string& machine, bool elsewhere) {
  auto found = std::find_if(old.begin(), old.end(), [&](const auto* each) {
    return elsewhere || each->machine == machine;
  });
  if (found == old.end())
    return nullptr;
  const auto* out = *found;
  old.erase(found);
  return out;
}

class change_list {
public:
  change_list(const group_ahead& g, std::vector<planned_change>& to) : g_{g}, to_{to} {}

  void add(const std::string& name, const application_ahead& ahead) {
    const auto* app = application_of(*g_.to, name);
    // Those that someone still counts on have successors; the others just go.
    row_list old, rest;
    for (const auto* each : ahead.leaves)
      (app && counts(*each) ? old : rest).push_back(each);
    auto comes = ahead.comes;
    std::sort(comes.begin(), comes.end(),
              [](const auto* a, const auto* b) { return a->machine < b->machine; });
    row_list without;
    for (const auto* each : comes)
      if (const auto* before = predecessor(old, each->machine, false))
        replace(plan_action::replace, *before, *each, *app);
      else
        without.push_back(each);
    for (const auto* each : without)
      if (const auto* before = predecessor(old, each->machine, true))
        replace(plan_action::move, *before, *each, *app);
      else
        start(*each, *app);
    rest.insert(rest.end(), old.begin(), old.end());
    for (const auto* each : rest)
      stop(*each, app);
    for (const auto* each : ahead.stays)
      keep(*each);
  }

private:
  [[nodiscard]] bool counts(const instance& each) const {
    return each.goal != instance_goal::stop && each.version_id == g_.now.deployed_version;
  }

  void replace(plan_action action, const instance& old, const instance& fresh,
               const application& app) {
    auto row = change_of(g_, action, app.name);
    row.from = old.machine;
    row.to = fresh.machine;
    row.instance = old.id;
    row.reason = reason_for_new(g_, old, app);
    if (action == plan_action::move)
      row.reason += "; " + reason_for_place(g_, app);
    to_.push_back(std::move(row));
  }

  void start(const instance& fresh, const application& app) {
    auto row = change_of(g_, plan_action::start, app.name);
    row.to = fresh.machine;
    row.reason = reason_for_place(g_, app);
    to_.push_back(std::move(row));
  }

  void stop(const instance& old, const application* app) {
    auto row = change_of(g_, plan_action::stop, old.application);
    row.version = old.version_id;
    row.from = old.machine;
    row.instance = old.id;
    row.reason = reason_to_stop(g_, old, app);
    to_.push_back(std::move(row));
  }

  void keep(const instance& each) {
    auto row = change_of(g_, plan_action::keep, each.application);
    row.from = row.to = each.machine;
    row.instance = each.id;
    row.reason = reason_to_keep(g_);
    to_.push_back(std::move(row));
  }

  const group_ahead& g_;
  std::vector<planned_change>& to_;
};

void add_differences(const group_ahead& g, std::vector<planned_difference>& to) {
  std::set<std::string> names;
  for (const auto& app : g.to->applications)
    names.insert(app.name);
  if (g.from)
    for (const auto& app : g.from->applications)
      names.insert(app.name);
  for (const auto& name : names) {
    const auto* before = g.from ? application_of(*g.from, name) : nullptr;
    for (auto& each : differences(before, application_of(*g.to, name)))
      to.push_back({g.now.namespace_, g.now.name, name, std::move(each.field),
                    std::move(each.before), std::move(each.after)});
  }
}

void add(build_plan& to, const group_ahead& g) {
  to.groups.push_back({g.now.namespace_, g.now.name, g.now.deployed_version, g.to->id, g.to->build,
                       g.way.to == g.now.deployed_version, g.way.purpose});
  change_list changes{g, to.changes};
  for (const auto& [name, ahead] : g.applications)
    changes.add(name, ahead);
  add_differences(g, to.differences);
}

/// Of what is ordered and what that does: not of words, nor of numbers of versions, which other
/// groups may take meanwhile.
std::string digest_of_plan(const build_plan& p, const build_to_deploy& order) {
  text_digest out;
  const auto& o = order.order;
  out.add(o.build).add(o.repository).add(o.artifact_id).add(o.branch).add(o.commit);
  out.add(o.force ? "force" : "");
  for (const auto& each : order.groups)
    for (const auto& app : each.applications)
      out.add(each.namespace_).add(each.name).add(to_bytes(app));
  for (const auto& each : p.groups)
    out.add(each.namespace_).add(each.group).add(each.deployed_version);
  for (const auto& each : p.changes) {
    out.add(to_text(each.action)).add(each.namespace_).add(each.group).add(each.application);
    out.add(each.from.value_or("")).add(each.to.value_or("")).add(each.instance);
  }
  return fmt::format("{:016x}", out.value());
}

/// `2 replace, 1 keep`
std::string counts_of(const std::vector<planned_change>& changes) {
  std::map<std::string_view, std::size_t> counts;
  for (const auto& each : changes)
    ++counts[to_text(each.action)];
  std::vector<std::string> parts;
  for (const auto& [action, count] : counts)
    parts.push_back(fmt::format("{} {}", count, action));
  return parts.empty() ? "nothing" : fmt::format("{}", fmt::join(parts, ", "));
}

} // namespace

build_plan foresee(const farm& before, const decided_order& decided, const build_to_deploy& order,
                   const plan& where) {
  build_plan out;
  for (const auto& each : decided.kept.versions)
    add(out, look_ahead(before, decided.what, order, where, each));
  out.digest = digest_of_plan(out, order);
  return out;
}

std::optional<failure> other_than_planned(const farm& before, const decided_order& decided,
                                          const order_call& call) {
  const auto* build = std::get_if<build_to_deploy>(&call.what);
  if (!build || build->order.plan_digest.empty())
    return std::nullopt;
  auto now = foresee(before, decided, *build, call.where);
  if (now.digest == build->order.plan_digest)
    return std::nullopt;
  return failure{failure_code::refused,
                 fmt::format("the plan {} is not what build {} would do now ({})",
                             build->order.plan_digest, build->order.build, counts_of(now.changes)),
                 "the farm or the file has changed since: look at `deploy plan` again, and order "
                 "with its digest"};
}

build_plan page_of(build_plan all, std::uint64_t offset) {
  auto changes = std::exchange(all.changes, {});
  std::size_t bytes = 0;
  for (auto i = std::min<std::size_t>(offset, changes.size()); i < changes.size(); ++i) {
    bytes += to_bytes(changes[i]).size();
    all.more = bytes > page_bytes;
    if (all.more)
      break;
    all.changes.push_back(std::move(changes[i]));
  }
  return all;
}

} // namespace deployminator::actors
