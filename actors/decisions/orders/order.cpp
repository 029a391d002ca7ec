#include "actors/decisions/orders/order.hpp"

#include "actors/decisions/foresight.hpp"
#include "actors/decisions/groups.hpp"

#include <fmt/format.h>

#include <type_traits>

namespace deployminator::actors {

using namespace messages;

namespace {

/// The verb of `deploy` that gives such an order.
struct verb_of_order {
  std::string operator()(const build_to_deploy&) const {
    return "new-build";
  }
  std::string operator()(const roll_to_version& o) const {
    return o.version ? "version" : "rollback";
  }
  std::string operator()(const undeploy&) const {
    return "undeploy";
  }
  std::string operator()(const stop_group&) const {
    return "stop";
  }
  std::string operator()(const start_group&) const {
    return "start";
  }
  std::string operator()(const restart_group&) const {
    return "restart";
  }
  std::string operator()(const add_key&) const {
    return "key new";
  }
  std::string operator()(const revoke_key&) const {
    return "key revoke";
  }
  std::string operator()(const promote_rollout&) const {
    return "promote";
  }
  std::string operator()(const abort_rollout&) const {
    return "abort";
  }
  std::string operator()(const pause_rollout&) const {
    return "pause";
  }
  std::string operator()(const resume_rollout&) const {
    return "resume";
  }
  std::string operator()(const drain_machine&) const {
    return "drain";
  }
  std::string operator()(const undrain_machine&) const {
    return "undrain";
  }
  std::string operator()(const forget_machine&) const {
    return "forget";
  }
  std::string operator()(const redistribute_farm&) const {
    return "redistribute";
  }
};

/// Gives each kind of order what it is decided on.
struct decider {
  edit& c;
  const plan& where;
  const presence& machines;
  std::uint64_t overcommit_percent;

  template <class Order>
  versions_or_refusal operator()(const Order& order) const {
    return order_kind<Order>::decide(c, order, where);
  }
  versions_or_refusal operator()(const redistribute_farm& order) const {
    return order_kind<redistribute_farm>::decide(
      c, order, ground_of(c.before(), machines, overcommit_percent));
  }
};

std::string verb_for(const readable_order& order) {
  return std::visit(verb_of_order{}, order);
}

} // namespace

const std::string& id_of(const readable_order& order) {
  return std::visit(
    [](const auto& each) -> const std::string& {
      if constexpr (std::is_same_v<std::decay_t<decltype(each)>, build_to_deploy>)
        return each.order.order_id;
      else
        return each.order_id;
    },
    order);
}

wishes_or_refusal needs(const farm& f, const readable_order& order) {
  return std::visit(
    [&](const auto& each) { return order_kind<std::decay_t<decltype(each)>>::needs(f, each); },
    order);
}

decided_order decide(const farm& f, const presence& machines,
                     const std::map<std::uint64_t, std::uint64_t>& revisions,
                     const order_call& call, const moment& m, std::uint64_t overcommit_percent) {
  decided_order out;
  const auto& id = id_of(call.what);
  if (auto known = f.receipts.find(id); known != f.receipts.end()) {
    out.kept = known->second;
    out.is_repeated = true;
    if (known->second.digest != call.digest)
      out.refused = other_order_under(id);
    return out;
  }
  out.is_stale = is_stale(call.where, f, machines, revisions);
  out.refused = out.is_stale ? std::nullopt : first_failure(call.where);
  if (out.is_stale || out.refused)
    return out;
  edit c{f, m};
  c.on_behalf_of(call.who);
  auto versions = std::visit(decider{c, call.where, machines, overcommit_percent}, call.what);
  if (!versions) {
    out.refused = versions.error();
    return out;
  }
  out.kept = {id,           call.digest,         call.who.name,   m.now, std::move(*versions),
              f.last_event, verb_for(call.what), c.done_at_once()};
  c.put(out.kept);
  out.what = std::move(c).done();
  out.refused = other_than_planned(f, out, call);
  if (out.refused)
    out.what = {};
  return out;
}

failure other_order_under(const std::string& id) {
  return {failure_code::mismatch,
          fmt::format("another order was given under the order_id {} before", id),
          "choose a random order_id for each order, and repeat it only with the same order"};
}

placement placement_in(const plan& p, const std::string& namespace_, const std::string& group,
                       const std::string& application) {
  for (const auto& each : p.applications)
    if (each.app.name == application && each.group == group && each.namespace_ == namespace_)
      return *each.where;
  return {};
}

std::vector<wish> wishes_for(const group& g, std::uint64_t version_id,
                             const std::vector<application>& applications) {
  std::vector<wish> out;
  for (const auto& app : applications)
    if (!is_stopped(g, app.name))
      out.push_back({g.namespace_, g.name, version_id, app});
  return out;
}

} // namespace deployminator::actors
