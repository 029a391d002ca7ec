#include "actors/decisions/groups.hpp"
#include "actors/decisions/orders/order.hpp"
#include "actors/decisions/rollout_change.hpp"

#include <fmt/format.h>

namespace deployminator::actors {

using namespace messages;

namespace {

/// The group as it is, or as it begins.
group group_for(const farm& f, const group_to_deploy& wanted) {
  const auto* known = group_named(f, wanted.namespace_, wanted.name);
  return known ? *known : group{0, wanted.namespace_, wanted.name};
}

version new_version(edit& c, const submit_build& order, const group_to_deploy& wanted,
                    std::uint64_t group_id) {
  version out{c.new_version_id(), group_id,     c.at().now,   order.build, order.repository,
              order.artifact_id,  order.branch, order.commit, c.who().name};
  for (const auto& app : wanted.applications) {
    out.applications.push_back(app);
    out.applications.back().id = c.new_application_id();
    if (out.repository.empty())
      out.repository = app.repository;
    if (out.artifact_id.empty())
      out.artifact_id = app.artifact_id;
  }
  return out;
}

group_version deploy(edit& c, const submit_build& order, const group_to_deploy& wanted,
                     const plan& p) {
  auto g = group_for(c.before(), wanted);
  if (g.id == 0) {
    g.id = c.new_group_id();
    c.put(g);
  }
  const auto& v = c.put(new_version(c, order, wanted, g.id));
  rollout r;
  r.group_id = g.id;
  r.to = v.id;
  r.leaving = leaving_for(c.before(), g, v.id);
  r.order_id = order.order_id;
  r.purpose = fmt::format("build {} becomes version {}, in place of {}", v.build, v.id,
                          named_version(g.deployed_version));
  auto id = begin_rollout(c, std::move(r)).id;
  for (const auto& app : v.applications)
    place(c, g, app, placement_in(p, g.namespace_, g.name, app.name));
  return {g.namespace_, g.name, v.id, id};
}

} // namespace

wishes_or_refusal order_kind<build_to_deploy>::needs(const farm& f, const build_to_deploy& order) {
  std::vector<wish> out;
  for (const auto& each : order.groups) {
    auto some = wishes_for(group_for(f, each), 0, each.applications);
    out.insert(out.end(), some.begin(), some.end());
  }
  return out;
}

versions_or_refusal order_kind<build_to_deploy>::decide(edit& c, const build_to_deploy& order,
                                                        const plan& p) {
  std::vector<group_version> out;
  for (const auto& each : order.groups)
    out.push_back(deploy(c, order.order, each, p));
  return out;
}

} // namespace deployminator::actors
