#include "test/actors/decisions/rolling_farm.hpp"

#include <doctest/doctest.h>

#include <algorithm>

using namespace deployminator;
using namespace deployminator::actors;
using namespace deployminator::messages;

namespace {

const std::string one(64, 'a');
const std::string other(64, 'b');

decided_order give(rolling_farm& farm, const application& app, std::uint64_t build,
                   bool force = false) {
  auto order = small_farm::build_of({app}, build);
  order.order.order_id = fmt::format("order at {}", farm.state.last_event);
  order.order.force = force;
  return farm.give(order);
}

/// Build 7 is deployed, with these bytes.
void deploy_seventh(rolling_farm& farm, const std::string& hash) {
  auto app = small_farm::web(3);
  app.sha256 = hash;
  give(farm, app, 7);
  farm.roll_to_the_end();
}

} // namespace

TEST_CASE("a build that was deployed does not come again with other bytes") {
  rolling_farm farm{3};
  deploy_seventh(farm, one);
  auto app = small_farm::web(3);
  app.sha256 = other;
  auto no = give(farm, app, 7);
  REQUIRE(no.refused);
  CHECK(no.refused->code == failure_code::mismatch);
  CHECK(no.refused->message
        == "build 7 of shop/web was deployed with other content, as version 1: web: its artifact "
           "had the sha256 aaaaaaaaaaaa… and has bbbbbbbbbbbb… now");
  CHECK(is_empty(no.what));
  CHECK_FALSE(give(farm, app, 8).refused);
}

TEST_CASE("nor from elsewhere, unless its hash says that it is the same") {
  rolling_farm farm{3};
  deploy_seventh(farm, one);
  auto app = small_farm::web(3);
  app.download_url = "/elsewhere/web.tar";
  auto no = give(farm, app, 7);
  REQUIRE(no.refused);
  CHECK(no.refused->message.find("came from /builds/web.tar and comes from /elsewhere/web.tar")
        != std::string::npos);
  app.sha256 = one;
  CHECK_FALSE(give(farm, app, 7).refused);
}

TEST_CASE("the same build may be started otherwise, more often, or come back later") {
  rolling_farm farm{3};
  deploy_seventh(farm, one);
  auto app = small_farm::web(5);
  app.args = {"--other"};
  CHECK_FALSE(give(farm, app, 7).refused);
  CHECK(farm.state.versions.rbegin()->second.applications[0].sha256 == one);
  farm.roll_to_the_end();
  give(farm, small_farm::web(1), 8);
  farm.roll_to_the_end();
  CHECK_FALSE(give(farm, small_farm::web(3), 7).refused);
  CHECK(farm.state.versions.rbegin()->second.applications[0].sha256 == one);
}

TEST_CASE("what never was deployed may be built anew under its number") {
  rolling_farm farm{3};
  auto app = small_farm::web(3);
  app.sha256 = one;
  give(farm, app, 7);
  farm.roll_to(rollout_phase::starting);
  farm.fail(farm.row().coming.front());
  farm.roll_to_the_end();
  app.sha256 = other;
  CHECK_FALSE(give(farm, app, 7).refused);
}

TEST_CASE("by force it comes, keeps nothing it cannot know, and is not unchanged") {
  rolling_farm farm{3};
  deploy_seventh(farm, one);
  auto app = small_farm::web(3);
  SUBCASE("with other bytes") {
    app.sha256 = other;
  }
  SUBCASE("with unknown bytes") {}
  REQUIRE_FALSE(give(farm, app, 7, true).refused);
  CHECK(farm.row().coming.size() == 3);
  CHECK(farm.row().leaving.size() == 3);
  CHECK(farm.state.versions.rbegin()->second.applications[0].sha256 == app.sha256);
}
