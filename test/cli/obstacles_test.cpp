#include "cli/obstacles.hpp"

#include <doctest/doctest.h>

using namespace deployminator;
using namespace deployminator::cli;
using messages::instance_state;
using messages::rollout_phase;

namespace {

messages::instance_row on(const std::string& machine, const std::string& id, instance_state state,
                          std::uint64_t version = 1) {
  messages::instance_row out;
  out.id = id;
  out.machine = machine;
  out.state = state;
  out.version = version;
  return out;
}

messages::group_row web(std::optional<rollout_phase> phase = {}) {
  messages::group_row out{"shop", "web", 1};
  if (phase)
    out.rollout = messages::rollout_row{1, *phase, {}, {}, {}};
  return out;
}

std::string why(const messages::group_row& g, const std::vector<messages::instance_row>& all) {
  return sentence_of(obstacle_of(g, all, "w1"));
}

const auto leaving_row = on("w1", "web-old", instance_state::ready);

} // namespace

TEST_CASE("what drains waits for the new instance that is not ready, and says why it is not") {
  auto fresh = on("w2", "web-new", instance_state::starting);
  CHECK(why(web(rollout_phase::starting),
            {leaving_row, on("w3", "web-2", instance_state::ready), fresh})
        == "shop/web: waits for web-new on w2 to get ready (starting)");
  fresh.state = instance_state::failed;
  fresh.reason = "exited with code 3";
  CHECK(why(web(rollout_phase::starting), {leaving_row, fresh})
        == "shop/web: waits for web-new on w2 to get ready (failed: exited with code 3)");
  // Without a rollout as well: those that came are not proven.
  CHECK(why(web(), {leaving_row, fresh})
        == "shop/web: waits for web-new on w2 to get ready (failed: exited with code 3)");
}

TEST_CASE("where another version is on its way it waits for that one's instances") {
  auto moving = web(rollout_phase::starting);
  moving.rollout->version = 2;
  CHECK(why(moving, {leaving_row, on("w3", "web-1", instance_state::failed),
                     on("w2", "web-2", instance_state::running, 2)})
        == "shop/web: waits for web-2 on w2 to get ready (running)");
}

TEST_CASE("it waits for the old one to stop") {
  CHECK(why(web(rollout_phase::stopping_old), {on("w1", "web-old", instance_state::stopping)})
        == "shop/web: waits for web-old on w1 to stop (stopping)");
}

TEST_CASE("it waits for a person, or for its turn") {
  auto moving = web(rollout_phase::starting);
  moving.rollout->waits_for = "promote";
  CHECK(why(moving, {leaving_row}) == "shop/web: its rollout waits for `deploy promote`");
  moving = web(rollout_phase::fetching);
  moving.rollout->reason = "waits for its turn";
  CHECK(why(moving, {leaving_row, on("w2", "web-2", instance_state::preparing)})
        == "shop/web: waits for its turn");
}

TEST_CASE("it waits for a job that runs on the machine") {
  auto job = on("w1", "job-1", instance_state::running);
  job.job = true;
  CHECK(why(web(), {job}) == "shop/web: waits for job-1 on w1 to end: it is a job");
}

TEST_CASE("it waits for a machine that takes it") {
  CHECK(why(web(), {leaving_row}) == "shop/web: nothing on w1 could be placed elsewhere so far");
  CHECK(why(web(rollout_phase::fetching), {leaving_row}) == "shop/web: fetching");
}
