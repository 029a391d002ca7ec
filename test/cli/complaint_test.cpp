#include "cli/complaint.hpp"

#include <doctest/doctest.h>

using namespace deployminator;
using namespace deployminator::cli;
using messages::instance_state;

namespace {

messages::instance_row sick(const std::string& id, instance_state state,
                            const std::string& reason = {}) {
  messages::instance_row out;
  out.id = id;
  out.machine = "w1";
  out.state = state;
  out.reason = reason;
  return out;
}

messages::group_row standing_of(std::uint64_t ready, std::uint64_t wanted) {
  messages::group_row out{"shop", "web", 1};
  out.ready = ready;
  out.wanted = wanted;
  return out;
}

using sentences = std::vector<std::string>;

} // namespace

TEST_CASE("a group whose instances are all ready has nothing that is worth a look") {
  CHECK_FALSE(is_ailing(standing_of(2, 2)));
  CHECK(is_ailing(standing_of(1, 2)));
  auto moving = standing_of(2, 2);
  moving.rollout.emplace();
  CHECK(is_ailing(moving));
  auto failed = standing_of(2, 2);
  failed.failure.emplace();
  CHECK(is_ailing(failed));
  CHECK(complaints_of(standing_of(2, 2), {sick("web-1", instance_state::ready)}).empty());
}

TEST_CASE("of an instance that is not ready it is told where it is, why, and what shows more") {
  auto crashed = sick("web-2", instance_state::failed, "exited with code 7");
  crashed.exit = 7;
  CHECK(complaints_of(standing_of(0, 3),
                      {sick("web-1", instance_state::lost, "the machine is out of reach"), crashed,
                       sick("web-3", instance_state::downloading, "its host is away")})
        == sentences{
          "shop/web: web-1 on w1 is lost: the machine is out of reach; see deploy machines",
          "shop/web: web-2 on w1 failed: exited with code 7; its log: deploy logs web-2",
          "shop/web: web-3 on w1 is downloading: its host is away; how far it is: deploy watch "
          "shop/web"});
}

TEST_CASE("an instance that starts is told of only where it did so before") {
  auto starting = sick("web-1", instance_state::starting);
  CHECK(complaints_of(standing_of(0, 1), {starting}).empty());
  starting.restarts = 4;
  CHECK(complaints_of(standing_of(0, 1), {starting})
        == sentences{
          "shop/web: web-1 on w1 is starting, after 4 restarts; its log: deploy logs web-1"});
}

TEST_CASE("of an instance that runs and is not healthy it is told what was seen") {
  auto sickly = sick("web-1", instance_state::running, "GET http://127.0.0.1:4100/ answered 503");
  CHECK(complaints_of(standing_of(0, 1), {sickly})
        == sentences{"shop/web: web-1 on w1 is running: GET http://127.0.0.1:4100/ answered 503"});
}

TEST_CASE("of many instances the first are told of, and how many more there are") {
  std::vector<messages::instance_row> many(60, sick("web-1", instance_state::lost));
  auto told = complaints_of(standing_of(0, 60), many);
  REQUIRE(told.size() == 4);
  CHECK(told.back() == "shop/web: 57 more like these: deploy instances shop/web");
}

TEST_CASE("of a rollout that failed it is told where what it printed and what happened is") {
  auto failed = standing_of(2, 2);
  failed.failure = messages::ended_row{2, messages::rollout_outcome::failed, {1}, "so"};
  CHECK(complaints_of(failed, {})
        == sentences{"shop/web: what version 2 printed: deploy logs shop/web --all -n 50; what "
                     "happened: deploy history shop/web"});
}

TEST_CASE("what is ready by chance is told, and does not pass a check") {
  auto group = standing_of(2, 2);
  CHECK(shortcomings_of(group).empty());
  group.restarting = 1;
  CHECK(is_ailing(group));
  CHECK(shortcomings_of(group)
        == sentences{"shop/web: 1 instance restarted 3 times or more within 10 minutes: deploy "
                     "instances shop/web"});
  auto loop = sick("web-1", instance_state::ready);
  loop.restarting = true;
  loop.exit = 7;
  CHECK(complaints_of(group, {loop, sick("web-2", instance_state::ready)})
        == sentences{"shop/web: web-1 on w1 is ready, but was restarted 3 times or more within 10 "
                     "minutes, and ended last with 7; its log: deploy logs web-1"});
}

TEST_CASE("a group that lacks instances does not pass a check") {
  CHECK(shortcomings_of(standing_of(1, 2)) == sentences{"shop/web: 1 of 2 wanted instances ready"});
  CHECK(shortcomings_of(standing_of(0, 0)).empty());
}
