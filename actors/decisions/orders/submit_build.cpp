#include "actors/decisions/contents.hpp"
#include "actors/decisions/groups.hpp"
#include "actors/decisions/kept.hpp"
#include "actors/decisions/orders/order.hpp"
#include "actors/decisions/rollout_change.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace deployminator::actors {

using namespace messages;

namespace {

/// The group as it is, or as it begins.
group group_for(const farm& f, const group_to_deploy& wanted) {
  const auto* known = group_named(f, wanted.namespace_, wanted.name);
  return known ? *known : group{0, wanted.namespace_, wanted.name};
}

version new_version(edit& c, const submit_build& order, const group_to_deploy& wanted,
                    const group& g) {
  version out{c.new_version_id(), g.id,         c.at().now,   order.build, order.repository,
              order.artifact_id,  order.branch, order.commit, c.who().name};
  for (const auto& app : wanted.applications) {
    out.applications.push_back(app);
    out.applications.back().id = c.new_application_id();
    if (app.sha256.empty() && !order.force)
      out.applications.back().sha256 = known_hash(c.before(), g, order.build, app);
    if (out.repository.empty())
      out.repository = app.repository;
    if (out.artifact_id.empty())
      out.artifact_id = app.artifact_id;
  }
  return out;
}

/// Nobody knows whether the bytes are those that were deployed.
bool is_content_unknown(const submit_build& order, const application& app) {
  return order.force && app.sha256.empty();
}

bool is_content_unknown(const submit_build& order, const group_to_deploy& wanted) {
  return std::any_of(wanted.applications.begin(), wanted.applications.end(),
                     [&](const auto& app) { return is_content_unknown(order, app); });
}

/// Why the build must not come, or nothing.
std::optional<failure> objection_to(const farm& f, const build_to_deploy& order) {
  if (order.order.force)
    return std::nullopt;
  for (const auto& each : order.groups)
    if (auto why = other_content(f, group_for(f, each), order.order.build, each.applications))
      return why;
  return std::nullopt;
}

bool adds_nothing(const group& g, const group_to_deploy& wanted, const plan& p) {
  return std::all_of(wanted.applications.begin(), wanted.applications.end(), [&](const auto& app) {
    return placement_in(p, g.namespace_, g.name, app.name).add.empty();
  });
}

/// The same build with the same file again: a rollout of the version that is there, with nothing
/// to do.
group_version leave_unchanged(edit& c, const submit_build& order, const group& g) {
  rollout r;
  r.group_id = g.id;
  r.to = g.deployed_version;
  r.order_id = order.order_id;
  r.purpose = fmt::format("unchanged: build {} with this deploy.yaml is version {}, which is "
                          "deployed and ready",
                          order.build, g.deployed_version);
  auto id = begin_rollout(c, std::move(r)).id;
  stop_leaving(c, g.id);
  return {g.namespace_, g.name, g.deployed_version, id};
}

std::string purpose_of(const version& v, const group& g, std::size_t kept) {
  auto stay = kept == 0 ? ""
                        : fmt::format("; {} instance{} of it stay{}", kept, kept == 1 ? "" : "s",
                                      kept == 1 ? "s" : "");
  return fmt::format("build {} becomes version {}, in place of {}{}", v.build, v.id,
                     named_version(g.deployed_version), stay);
}

group_version deploy(edit& c, const submit_build& order, const group_to_deploy& wanted,
                     const plan& p) {
  const auto& f = c.before();
  auto g = group_for(f, wanted);
  if (g.id == 0) {
    g.id = c.new_group_id();
    c.put(g);
  }
  auto kept = kept_in(p, g);
  auto leaving = leaving_for(f, g, 0, kept);
  bool is_unchanged = !f.rollouts.contains(g.id) && leaving.empty()
                      && !is_content_unknown(order, wanted) && adds_nothing(g, wanted, p)
                      && is_deployed_already(f, g, order.build, wanted.applications);
  if (is_unchanged)
    return leave_unchanged(c, order, g);
  const auto& v = c.put(new_version(c, order, wanted, g));
  rollout r;
  r.group_id = g.id;
  r.to = v.id;
  r.leaving = std::move(leaving);
  r.order_id = order.order_id;
  r.purpose = purpose_of(v, g, kept.size());
  auto id = begin_rollout(c, std::move(r)).id;
  for (const auto& app : v.applications)
    place(c, g, app, placement_in(p, g.namespace_, g.name, app.name));
  return {g.namespace_, g.name, v.id, id};
}

} // namespace

wishes_or_refusal order_kind<build_to_deploy>::needs(const farm& f, const build_to_deploy& order) {
  if (auto why = objection_to(f, order))
    return *why;
  std::vector<wish> out;
  for (const auto& each : order.groups) {
    auto g = group_for(f, each);
    auto some = wishes_for(g, 0, each.applications);
    for (auto& wish : some)
      if (!is_content_unknown(order.order, wish.app))
        wish.kept = kept_for(f, g, {0, order.order.build}, wish.app);
    out.insert(out.end(), some.begin(), some.end());
  }
  return out;
}

versions_or_refusal order_kind<build_to_deploy>::decide(edit& c, const build_to_deploy& order,
                                                        const plan& p) {
  if (auto why = objection_to(c.before(), order))
    return *why;
  std::vector<group_version> out;
  for (const auto& each : order.groups)
    out.push_back(deploy(c, order.order, each, p));
  return out;
}

} // namespace deployminator::actors
