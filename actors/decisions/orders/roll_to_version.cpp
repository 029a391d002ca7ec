#include "actors/decisions/groups.hpp"
#include "actors/decisions/kept.hpp"
#include "actors/decisions/orders/order.hpp"
#include "actors/decisions/rollout_change.hpp"

#include <fmt/format.h>

namespace deployminator::actors {

using namespace messages;

namespace {

std::string list_of_versions(const group& g) {
  return fmt::format("`deploy versions {}/{}` lists them", g.namespace_, g.name);
}

/// The version with this number, or the last one that was deployed before the present one.
const version* version_of(const farm& f, const group& g, std::uint64_t number) {
  const version* found = nullptr;
  for (const auto& [id, each] : f.versions) {
    if (each.group_id != g.id)
      continue;
    bool wanted = number ? id == number
                         : each.last_deployed && id != g.deployed_version
                             && (!found || each.last_deployed > found->last_deployed);
    if (wanted)
      found = &each;
  }
  return found;
}

/// Numbers are given without gaps: one that is not there is not there any more.
bool was_forgotten(const farm& f, std::uint64_t number) {
  return !f.versions.empty() && number < f.versions.rbegin()->first && !f.versions.contains(number);
}

failure no_such_version(const farm& f, const group& g, std::uint64_t number) {
  if (number && was_forgotten(f, number))
    return {
      failure_code::not_found,
      fmt::format("version {} is gone: the server keeps the last versions of a group only", number),
      list_of_versions(g) + "; its setting `keep-versions` says how many there are"};
  if (number)
    return {failure_code::not_found,
            fmt::format("group {}/{} has no version {}", g.namespace_, g.name, number),
            list_of_versions(g)};
  return {failure_code::refused,
          fmt::format("group {}/{} has no earlier version to go back to", g.namespace_, g.name),
          list_of_versions(g)};
}

/// A job that was run when its version was deployed is run again only where it says so.
bool is_to_run(const version& target, const application& app) {
  return app.always_on || app.rerun || target.last_deployed == 0;
}

/// The version that the order means.
result<version> target_of(const farm& f, const roll_to_version& order) {
  auto g = find_group(f, order.namespace_, order.group);
  if (!g)
    return g.error();
  const auto* changing = change_of_version(f, *g);
  bool unproven = changing && changing->to != 0 && changing->to != g->deployed_version;
  if (unproven && !order.version && changing->phase == rollout_phase::stopping_new)
    return failure{failure_code::refused,
                   fmt::format("version {} of {}/{} is being undone already", changing->to,
                               order.namespace_, order.group),
                   "`deploy watch` follows it"};
  // Back from a version that is still rolling out means to the one that is deployed.
  auto sought = order.version || !unproven ? order.version : g->deployed_version;
  const auto* found = version_of(f, *g, sought);
  if (!found)
    return no_such_version(f, *g, order.version);
  if (found->id == g->deployed_version && !changing)
    return failure{failure_code::refused,
                   fmt::format("version {} of {}/{} is deployed already", found->id,
                               order.namespace_, order.group),
                   list_of_versions(*g)};
  if (changing && found->id == g->pending_version)
    return failure{failure_code::refused,
                   fmt::format("version {} of {}/{} is being rolled out already", found->id,
                               order.namespace_, order.group),
                   "`deploy watch` follows it"};
  return *found;
}

} // namespace

wishes_or_refusal order_kind<roll_to_version>::needs(const farm& f, const roll_to_version& order) {
  auto target = target_of(f, order);
  if (!target)
    return target.error();
  const auto& g = f.groups.at(target->group_id);
  auto out = wishes_for(g, target->id, target->applications);
  for (auto& each : out)
    each.kept = kept_for(f, g, {target->id, target->build}, each.app);
  return out;
}

versions_or_refusal order_kind<roll_to_version>::decide(edit& c, const roll_to_version& order,
                                                        const plan& p) {
  auto target = target_of(c.before(), order);
  if (!target)
    return target.error();
  const auto& g = c.before().groups.at(target->group_id);
  rollout r;
  r.group_id = g.id;
  r.to = target->id;
  r.leaving = leaving_for(c.before(), g, target->id, kept_in(p, g));
  r.order_id = order.order_id;
  r.purpose = fmt::format("version {} (build {}) comes back in place of {}", target->id,
                          target->build, named_version(g.deployed_version));
  const auto begun = begin_rollout(c, std::move(r));
  if (begun.to != begun.from)
    c.version(target->id).state = version_state::pending;
  for (const auto& app : target->applications) {
    auto where = placement_in(p, g.namespace_, g.name, app.name);
    if (is_to_run(*target, app))
      place(c, g, app, where);
    else if (!where.add.empty())
      c.tell(g, target->id,
             rollout_step{"placed",
                          fmt::format("{}: a job, and not run again, for its version was deployed "
                                      "before (`rerun: false`)",
                                      app.name),
                          c.rollout(g.id).id});
  }
  return std::vector<group_version>{{g.namespace_, g.name, target->id, begun.id}};
}

} // namespace deployminator::actors
