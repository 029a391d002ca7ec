#include "actors/decisions/orders/order.hpp"
#include "test/actors/decisions/rolling_farm.hpp"

#include <doctest/doctest.h>

using namespace deployminator;
using namespace deployminator::actors;
using namespace deployminator::messages;

namespace {

roll_to_version back_to(std::uint64_t version, const std::string& id = "back") {
  return {id, "shop", "web", version};
}

/// The version that the order means, or why it is refused.
result<std::uint64_t> target_of(const rolling_farm& farm, const roll_to_version& order) {
  auto wishes = order_kind<roll_to_version>::needs(farm.state, order);
  if (!wishes)
    return wishes.error();
  return wishes->at(0).version_id;
}

std::uint64_t deploy_well(rolling_farm& farm, std::uint64_t build) {
  auto version = farm.deploy(small_farm::web(2), build);
  farm.roll_to_the_end();
  REQUIRE(farm.group().deployed_version == version);
  return version;
}

std::uint64_t deploy_badly(rolling_farm& farm, std::uint64_t build) {
  auto version = farm.deploy(small_farm::web(2), build);
  farm.fail(farm.wanted(version).front().id);
  farm.roll_to_the_end();
  REQUIRE(farm.state.versions.at(version).state == version_state::failed);
  return version;
}

} // namespace

TEST_CASE("rollback goes to the version that was deployed before") {
  rolling_farm farm{2};
  auto first = deploy_well(farm, 1);
  deploy_badly(farm, 2);
  deploy_well(farm, 3);
  CHECK(*target_of(farm, back_to(0)) == first);
  auto done = farm.give(back_to(0));
  CHECK_FALSE(done.refused);
  CHECK(farm.state.versions.at(first).state == version_state::pending);
  CHECK(farm.group().pending_version == first);
  CHECK(farm.row().purpose == "version 1 (build 1) comes back in place of version 3");
  CHECK(farm.row().order_id == "back");
  CHECK(done.kept.versions == std::vector<group_version>{{"shop", "web", first, farm.row().id}});
  farm.roll_to_the_end();
  CHECK(farm.group().deployed_version == first);
  CHECK(farm.ready_count(first) == 2);
  CHECK(farm.state.instances.size() == 2);
}

TEST_CASE("rollback after a rollback goes to the version that was deployed last before") {
  rolling_farm farm{2};
  deploy_well(farm, 1);
  auto second = deploy_well(farm, 2);
  farm.give(back_to(0));
  farm.roll_to_the_end();
  CHECK(*target_of(farm, back_to(0)) == second);
}

TEST_CASE("rollback while a version is rolling out goes to the deployed one") {
  rolling_farm farm{2};
  deploy_well(farm, 1);
  auto second = deploy_well(farm, 2);
  auto third = farm.deploy(small_farm::web(2), 3);
  CHECK(*target_of(farm, back_to(0)) == second);
  farm.give(back_to(0));
  CHECK(farm.row().from == second);
  CHECK(farm.row().to == second);
  CHECK(farm.row().coming.empty());
  CHECK(farm.group().pending_version == 0);
  CHECK(farm.wanted(third).empty());
  CHECK(farm.state.versions.at(third).state == version_state::superseded);
  CHECK(farm.ready_count(second) == 2);
  farm.roll_to_the_end();
  CHECK_FALSE(farm.is_rolling());
  CHECK(farm.state.instances.size() == 2);
  CHECK(farm.state.versions.at(second).state == version_state::deployed);
}

TEST_CASE("rollback of a version that is being undone already is refused") {
  rolling_farm farm{2};
  deploy_well(farm, 1);
  auto second = farm.deploy(small_farm::web(2), 2);
  farm.fail(farm.wanted(second).front().id);
  farm.step();
  REQUIRE(farm.row().phase == rollout_phase::stopping_new);
  auto refused = target_of(farm, back_to(0));
  REQUIRE_FALSE(refused);
  CHECK(refused.error().message == "version 2 of shop/web is being undone already");
}

TEST_CASE("a version that comes back while its last instances leave gets new ones for those") {
  rolling_farm farm{2};
  auto first = deploy_well(farm, 1);
  farm.deploy(small_farm::web(2), 2);
  farm.roll_to(rollout_phase::stopping_old);
  REQUIRE(farm.state.instances.size() == 4);
  farm.give(back_to(first));
  CHECK(farm.wanted(first).size() == 2);
  CHECK(farm.row().coming.size() == 2);
  farm.roll_to_the_end();
  CHECK(farm.group().deployed_version == first);
  CHECK(farm.ready_count(first) == 2);
  CHECK(farm.state.instances.size() == 2);
}

TEST_CASE("while upkeep mends the deployed version it is not rolled out anew") {
  rolling_farm farm{2};
  auto first = deploy_well(farm, 1);
  auto second = deploy_well(farm, 2);
  rollout within;
  within.group_id = 1;
  within.from = within.to = second;
  farm.state.rollouts[1] = within;
  CHECK(*target_of(farm, back_to(0)) == first);
  CHECK(target_of(farm, back_to(second)).error().message
        == "version 2 of shop/web is deployed already");
}

TEST_CASE("a version comes back after an undeploy") {
  rolling_farm farm{2};
  auto first = deploy_well(farm, 1);
  farm.give(undeploy{"o", "shop", "web"});
  farm.roll_to_the_end();
  CHECK(*target_of(farm, back_to(0)) == first);
}

TEST_CASE("orders that make no sense are refused with what there is") {
  rolling_farm farm{1};
  CHECK(target_of(farm, back_to(0)).error().message == "there is no group shop/web");
  auto version = deploy_well(farm, 1);
  CHECK(target_of(farm, back_to(version)).error().message
        == "version 1 of shop/web is deployed already");
  CHECK(target_of(farm, back_to(0)).error().code == failure_code::refused);
  CHECK(target_of(farm, back_to(99)).error().code == failure_code::not_found);
  auto pending = farm.deploy(small_farm::web(1), 2);
  CHECK(target_of(farm, back_to(pending)).error().message
        == "version 2 of shop/web is being rolled out already");
}

TEST_CASE("an order that is refused changes nothing and has no receipt") {
  rolling_farm farm{1};
  auto before = farm.state;
  auto done = farm.give(back_to(0));
  REQUIRE(done.refused);
  CHECK(done.refused->code == failure_code::not_found);
  CHECK(farm.state == before);
}

TEST_CASE("an order that makes no sense any more when its turn comes is refused") {
  rolling_farm farm{2};
  auto first = deploy_well(farm, 1);
  deploy_well(farm, 2);
  readable_order order = back_to(first);
  auto where = farm.plan_for(*needs(farm.state, order));
  farm.give(back_to(first, "earlier"));
  farm.roll_to_the_end();
  auto done = decide(farm.state, farm.present, {}, {order, 1, {}, where}, farm.now(), 0);
  REQUIRE(done.refused);
  CHECK(done.refused->message == "version 1 of shop/web is deployed already");
  CHECK(is_empty(done.what));
}
