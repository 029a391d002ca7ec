#include "actors/decisions/orders/order.hpp"
#include "test/actors/decisions/rolling_farm.hpp"

#include <doctest/doctest.h>

using namespace deployminator;
using namespace deployminator::actors;
using namespace deployminator::messages;

namespace {

undeploy everything(const std::string& id = "o") {
  return {id, "shop", "web"};
}

} // namespace

TEST_CASE("undeploy stops every instance of the group at once, and needs nothing placed") {
  rolling_farm farm{2};
  auto version = farm.deploy(small_farm::web(2), 1);
  farm.roll_to_the_end();
  CHECK(needs(farm.state, readable_order{everything()})->empty());
  auto done = farm.give(everything());
  CHECK_FALSE(done.refused);
  CHECK(farm.group().deployed_version == 0);
  CHECK(farm.group().pending_version == 0);
  CHECK(farm.state.versions.at(version).state == version_state::retired);
  CHECK(farm.wanted(version).empty());
  CHECK(farm.row().from == version);
  CHECK(farm.row().to == 0);
  CHECK(farm.row().phase == rollout_phase::stopping_old);
  CHECK(farm.row().leaving.size() == 2);
  CHECK(done.kept.versions == std::vector<group_version>{{"shop", "web", 0, farm.row().id}});
}

TEST_CASE("undeploy tells which data stays, and where") {
  rolling_farm farm{2};
  auto app = small_farm::web(2);
  app.data = "uploads";
  farm.deploy(app, 1);
  farm.roll_to_the_end();
  auto done = farm.give(everything());
  std::vector<std::string> kept;
  for (const auto& each : told<rollout_step>(done.what))
    if (each.phase == "kept")
      kept.push_back(each.reason);
  CHECK(kept
        == std::vector<std::string>{
          "the data uploads of web stays on w1, w2, and wherever it ran before"});
}

TEST_CASE("undeploy of a group of which nothing is deployed is refused") {
  rolling_farm farm{1};
  CHECK(farm.give(everything()).refused->message == "there is no group shop/web");
  farm.deploy(small_farm::web(1), 1);
  farm.roll_to_the_end();
  farm.give(everything());
  farm.roll_to_the_end();
  auto refused = farm.give(everything("again")).refused;
  REQUIRE(refused);
  CHECK(refused->message == "nothing of shop/web is deployed");
}

TEST_CASE("undeploy ends the first build of a group while it is rolling out") {
  rolling_farm farm{1};
  auto version = farm.deploy(small_farm::web(1), 1);
  CHECK_FALSE(farm.give(everything()).refused);
  CHECK(farm.wanted(version).empty());
  CHECK(farm.state.versions.at(version).state == version_state::superseded);
  farm.roll_to_the_end();
  CHECK(farm.state.instances.empty());
  CHECK(farm.group().pending_version == 0);
}

TEST_CASE("a rollout that is undeployed has not succeeded, though all was ready") {
  rolling_farm farm{2};
  farm.deploy(small_farm::web(2), 1);
  farm.roll_to(rollout_phase::stopping_old);
  readable_order order = everything();
  auto c = decide(farm.state, farm.present, {}, {order, 1, {}, {}}, farm.now(), 0).what;
  auto ends = told<rollout_finished>(c);
  REQUIRE(ends.size() == 1);
  CHECK(ends[0].outcome == rollout_outcome::superseded);
  CHECK(ends[0].reason == "superseded by an undeploy, when every instance was ready");
}

TEST_CASE("a build that supersedes an undeploy brings nothing back that was to stop") {
  rolling_farm farm{2};
  auto first = farm.deploy(small_farm::web(2), 1);
  farm.roll_to_the_end();
  farm.give(everything());
  farm.deploy(small_farm::web(2), 2);
  CHECK(farm.wanted(first).empty());
  CHECK(farm.row().from == 0);
  farm.fail(farm.wanted(2).front().id);
  farm.roll_to_the_end();
  CHECK(farm.wanted(first).empty());
  CHECK(farm.group().deployed_version == 0);
}

TEST_CASE("undeploy twice begins anew and ends once all is gone") {
  rolling_farm farm{1};
  farm.deploy(small_farm::web(1), 1);
  farm.roll_to_the_end();
  farm.give(everything());
  auto first = farm.row().id;
  CHECK_FALSE(farm.give(everything("again")).refused);
  CHECK(farm.row().id > first);
  farm.roll_to_the_end();
  CHECK(farm.state.instances.empty());
}
