#include "actors/decisions/orders/order.hpp"
#include "test/actors/decisions/rolling_farm.hpp"

#include <doctest/doctest.h>

using namespace deployminator;
using namespace deployminator::actors;
using namespace deployminator::messages;

namespace {

stop_group stop(const std::string& application = {}, const std::string& id = "stop") {
  return {{id, "shop", "web", application}};
}

start_group start(const std::string& application = {}, const std::string& id = "start") {
  return {{id, "shop", "web", application}};
}

application other(std::uint32_t instances) {
  auto out = small_farm::web(instances);
  out.name = "other";
  return out;
}

/// `web` and `other` of build 1, which is deployed.
struct stopping_farm : rolling_farm {
  stopping_farm() : rolling_farm(2) {
    version = give(build_of({web(2), other(1)}, 1)).kept.versions.at(0).version;
    roll_to_the_end();
  }

  [[nodiscard]] std::size_t wanted_of(const std::string& application) const {
    auto list = wanted(version);
    return static_cast<std::size_t>(
      std::count_if(list.begin(), list.end(),
                    [&](const instance& each) { return each.application == application; }));
  }

  std::uint64_t version = 0;
};

} // namespace

TEST_CASE("stop ends every instance at once, and the version stays the deployed one") {
  stopping_farm farm;
  auto done = farm.give(stop());
  REQUIRE_FALSE(done.refused);
  CHECK(farm.wanted(farm.version).empty());
  CHECK(farm.row().leaving.size() == 3);
  CHECK(farm.row().phase == rollout_phase::stopping_old);
  CHECK(done.kept.versions
        == std::vector<group_version>{{"shop", "web", farm.version, farm.row().id}});
  farm.roll_to_the_end();
  CHECK(farm.state.instances.empty());
  CHECK(farm.group().deployed_version == farm.version);
  CHECK(farm.group().stopped == std::set<std::string>{"*"});
}

TEST_CASE("stop of one application leaves the others alone") {
  stopping_farm farm;
  farm.give(stop("other"));
  farm.roll_to_the_end();
  CHECK(farm.wanted_of("web") == 2);
  CHECK(farm.wanted_of("other") == 0);
}

TEST_CASE("what is stopped stays stopped when a build comes, until it is started") {
  stopping_farm farm;
  farm.give(stop("other"));
  farm.roll_to_the_end();
  farm.version = farm.give(small_farm::build_of({small_farm::web(2), other(1)}, 2))
                   .kept.versions.at(0)
                   .version;
  farm.roll_to_the_end();
  CHECK(farm.group().deployed_version == farm.version);
  CHECK(farm.wanted_of("web") == 2);
  CHECK(farm.wanted_of("other") == 0);
  REQUIRE_FALSE(farm.give(start("other")).refused);
  farm.roll_to_the_end();
  CHECK(farm.wanted_of("web") == 2);
  CHECK(farm.wanted_of("other") == 1);
  CHECK(farm.group().stopped.empty());
}

TEST_CASE("a build of a group that is stopped is deployed, and nothing of it runs") {
  stopping_farm farm;
  farm.give(stop());
  farm.roll_to_the_end();
  farm.version = farm.give(small_farm::build_of({small_farm::web(2), other(1)}, 2))
                   .kept.versions.at(0)
                   .version;
  farm.roll_to_the_end();
  CHECK(farm.group().deployed_version == farm.version);
  CHECK(farm.state.instances.empty());
  farm.give(start());
  farm.roll_to_the_end();
  CHECK(farm.ready_count(farm.version) == 3);
}

TEST_CASE("stop gives up a version on its way, which is told why") {
  stopping_farm farm;
  auto second = farm.give(small_farm::build_of({small_farm::web(2), other(1)}, 2))
                  .kept.versions.at(0)
                  .version;
  readable_order order = stop();
  auto c = decide(farm.state, farm.present, {}, {order, 1, {}, {}}, farm.now(), 0).what;
  auto ends = told<rollout_finished>(c);
  REQUIRE(ends.size() == 1);
  CHECK(ends[0].reason == "superseded by a stop");
  farm.give(order);
  CHECK(farm.wanted(second).empty());
  CHECK(farm.wanted(farm.version).empty());
  farm.roll_to_the_end();
  CHECK(farm.state.instances.empty());
  CHECK(farm.group().deployed_version == farm.version);
}

TEST_CASE("one application of a group that is stopped can be started alone") {
  stopping_farm farm;
  farm.give(stop());
  farm.roll_to_the_end();
  farm.give(start("web"));
  farm.roll_to_the_end();
  CHECK(farm.wanted_of("web") == 2);
  CHECK(farm.group().stopped == std::set<std::string>{"other"});
}

TEST_CASE("start while what was stopped is still stopping brings new instances") {
  stopping_farm farm;
  farm.give(stop());
  REQUIRE_FALSE(farm.give(start()).refused);
  CHECK(farm.wanted(farm.version).size() == 3);
  CHECK(farm.row().leaving.size() == 3);
  farm.roll_to_the_end();
  CHECK(farm.state.instances.size() == 3);
  CHECK(farm.ready_count(farm.version) == 3);
}

TEST_CASE("an instance that fails at a start takes no other with it") {
  stopping_farm farm;
  farm.give(stop());
  farm.roll_to_the_end();
  farm.give(start());
  farm.roll_to(rollout_phase::starting);
  farm.fail(farm.wanted(farm.version).front().id);
  farm.roll_to_the_end();
  CHECK(farm.ready_count(farm.version) == 2);
}

TEST_CASE("an undeploy ends the stop too") {
  stopping_farm farm;
  farm.give(stop());
  farm.give(undeploy{"gone", "shop", "web"});
  CHECK(farm.group().stopped.empty());
}

TEST_CASE("stop and start that make no sense are refused and say what would") {
  stopping_farm farm;
  CHECK(farm.give(stop("cron")).refused->message == "group shop/web has no application cron");
  CHECK(farm.give(stop("cron")).refused->hint == "there are: other, web");
  CHECK(farm.give(start()).refused->message == "shop/web is not stopped");
  farm.give(stop());
  CHECK(farm.give(stop({}, "again")).refused->message == "shop/web is stopped already");
  CHECK(farm.give(stop("web", "again")).refused->message == "shop/web is stopped already");
  farm.give(small_farm::build_of({small_farm::web(1)}, 2));
  CHECK(farm.give(start()).refused->message == "shop/web is on its way to version 2");
}
