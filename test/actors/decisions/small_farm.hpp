#pragma once

#include "actors/decisions/edit.hpp"
#include "actors/decisions/orders/order.hpp"
#include "actors/decisions/plan.hpp"
#include "messages/change.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <string>
#include <utility>
#include <vector>

/// A small farm for tests of decisions, that lives through orders and reports.
namespace deployminator::actors {

struct small_farm {
  messages::farm state;
  presence present;
  /// What the operator says.
  std::uint64_t overcommit_percent = 0;
  std::uint64_t chance = 0;
  moment m{messages::timestamp{1'000'000}, [this] { return ++chance * 0x9e3779b97f4a7c15U; }};

  explicit small_farm(int machines) {
    for (int i = 1; i <= machines; ++i)
      add_machine(fmt::format("w{}", i));
  }
  small_farm(const small_farm&) = delete;
  small_farm& operator=(const small_farm&) = delete;

  void add_machine(const std::string& name, std::vector<std::string> groups = {"worker"}) {
    state.machines[name] = {name, "identity-" + name, std::move(groups), 1000};
    present.arrive(name);
  }

  const moment& now() const {
    return m;
  }

  void make(const messages::change& c) {
    messages::apply(state, c);
  }

  static messages::application web(std::uint32_t instances) {
    messages::application app;
    app.name = app.binary = "web";
    app.download_url = "/builds/web.tar";
    app.instances = instances;
    return app;
  }

  /// What the PLANNER answers for these wishes.
  plan plan_for(std::vector<wish> wishes) const {
    auto view = view_for(state, present, {}, std::move(wishes), {}, overcommit_percent);
    auto out = begin_plan(view);
    for (const auto& w : view.wishes) {
      auto question = next_question(view, out.applications);
      auto where = !question                    ? messages::result<placement>{question.error()}
                   : w.app.strategy == "spread" ? place_spread(*question)
                                                : place_one_per_machine(*question);
      out.applications.push_back({w.namespace_, w.group, w.app, std::move(where), w.kept});
    }
    return out;
  }

  /// Has the order placed and decided, and makes what it changes.
  decided_order give(const readable_order& order, std::uint64_t digest = 1) {
    auto wishes = needs(state, order);
    auto where = wishes ? plan_for(*wishes) : plan{};
    auto out
      = decide(state, present, {}, {order, digest, {"somebody"}, where}, m, overcommit_percent);
    make(out.what);
    return out;
  }

  static build_to_deploy build_of(std::vector<messages::application> apps, std::uint64_t build) {
    messages::submit_build order;
    order.order_id = fmt::format("order-{}", build);
    order.build = build;
    return {order, {{"shop", "web", std::move(apps)}}};
  }

  /// Deploys a build of `app` as group `shop/web` and returns its version.
  std::uint64_t deploy(const messages::application& app, std::uint64_t build) {
    return give(build_of({app}, build)).kept.versions.at(0).version;
  }

  /// The instances of a version that are not to stop.
  std::vector<messages::instance> wanted(std::uint64_t version) const {
    std::vector<messages::instance> out;
    for (const auto& [id, each] : state.instances)
      if (each.version_id == version && each.goal != messages::instance_goal::stop)
        out.push_back(each);
    return out;
  }

  std::vector<std::string> ids() const {
    std::vector<std::string> out;
    for (const auto& [id, each] : state.instances)
      out.push_back(id);
    return out;
  }

  /// Changes a row as `f` does, without anybody being told.
  template <class F>
  void change_instance(const std::string& id, F f) {
    auto row = state.instances.at(id);
    f(row);
    state.instances.put(std::move(row));
  }

  template <class F>
  void change_seen(const std::string& id, F f) {
    change_instance(id, [&](messages::instance& row) { f(row.seen); });
  }

  void set_goal(const std::string& id, messages::instance_goal goal) {
    change_instance(id, [&](messages::instance& row) { row.goal = goal; });
  }

  /// What an agent would see after it did as it was told.
  void obey(const std::string& id) {
    const auto& row = state.instances.at(id);
    if (row.goal == messages::instance_goal::stop)
      return state.instances.erase(id);
    change_seen(id, [&](messages::observation& seen) {
      seen.fetched = true;
      if (row.goal == messages::instance_goal::run) {
        seen.state = messages::instance_state::ready;
        seen.ready_at = {2'000'000};
      }
    });
  }

  void obey_all() {
    for (const auto& id : ids())
      obey(id);
  }

  /// The instance's program exits before it was ready.
  void fail(const std::string& id) {
    change_seen(id, [](messages::observation& seen) {
      seen.state = messages::instance_state::failed;
      seen.exit = 3;
      seen.reason = "exited with code 3";
    });
  }
};

/// The events of one kind in a change.
template <class What>
std::vector<What> told(const messages::change& c) {
  std::vector<What> out;
  for (const auto& each : c.events)
    if (const auto* what = std::get_if<What>(&each.what))
      out.push_back(*what);
  return out;
}

} // namespace deployminator::actors
