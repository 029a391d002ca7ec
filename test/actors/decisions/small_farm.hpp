#pragma once

#include "actors/decisions/order.hpp"
#include "messages/change.hpp"

#include <fmt/format.h>

#include <set>
#include <string>
#include <vector>

/// A small farm for tests of decisions, that lives through orders and reports.
namespace deployminator::actors {

struct small_farm {
  messages::farm state;
  std::set<std::string> reachable;
  std::uint64_t chance = 0;

  explicit small_farm(int machines) {
    for (int i = 1; i <= machines; ++i)
      add_machine(fmt::format("w{}", i));
  }

  void add_machine(const std::string& name) {
    state.machines[name] = {name, "identity-" + name, {"worker"}, 1000};
    reachable.insert(name);
  }

  moment now() {
    return {messages::timestamp{1'000'000}, [this] { return ++chance * 0x9e3779b97f4a7c15U; }};
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

  /// Deploys a build of `app` as group `shop/web` and returns its version.
  std::uint64_t deploy(const messages::application& app, std::uint64_t build) {
    auto request = placement_request_for(state, reachable, "shop/web", 0, app);
    auto where
      = app.strategy == "spread" ? place_spread(*request) : place_one_per_machine(*request);
    messages::submit_build order;
    order.order_id = fmt::format("order-{}", build);
    order.build = build;
    auto done = deploy_build(state, order, {{"shop", "web", {{app, *where}}}}, now());
    make(done.what);
    return done.receipt.versions.at(0).version;
  }

  /// The instances of a version that are not to stop.
  std::vector<messages::instance> wanted(std::uint64_t version) const {
    std::vector<messages::instance> out;
    for (const auto& [id, each] : state.instances)
      if (each.version_id == version && each.goal != messages::instance_goal::stop)
        out.push_back(each);
    return out;
  }

  /// What an agent would see after it did as it was told.
  void obey(const std::string& id) {
    auto& each = state.instances.at(id);
    if (each.goal == messages::instance_goal::stop) {
      state.instances.erase(id);
      return;
    }
    each.seen.fetched = true;
    if (each.goal == messages::instance_goal::run) {
      each.seen.state = messages::instance_state::ready;
      each.seen.ready_at = {2'000'000};
    }
  }
};

} // namespace deployminator::actors
