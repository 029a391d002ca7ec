#include "cli/rollouts.hpp"

#include <doctest/doctest.h>

using namespace deployminator;
using namespace deployminator::cli;
using messages::rollout_outcome;

namespace {

constexpr messages::timestamp now{5};

messages::event end_of(const std::string& group, rollout_outcome outcome, std::string reason) {
  return {1, {1}, "shop", group, 3, messages::rollout_finished{outcome, std::move(reason)}};
}

} // namespace

TEST_CASE("the end of one rollout says all there is to say") {
  rollouts r{{{"shop", "web", 3}}};
  r.take(end_of("web", rollout_outcome::failed, "it exited"));
  CHECK(r.have_ended());
  CHECK_FALSE(r.last_line("", now));
  CHECK(r.exit() == exit_code::failed);
}

TEST_CASE("a rollout that was aborted ends as `abort` wants it, and not as its build does") {
  rollouts build{{{"shop", "web", 3}}};
  build.take(end_of("web", rollout_outcome::reverted, "aborted"));
  CHECK(build.exit() == exit_code::failed);
  rollouts abort{{{"shop", "web", 3}}, "", rollout_outcome::reverted};
  abort.take(end_of("web", rollout_outcome::reverted, "aborted"));
  CHECK(abort.exit() == exit_code::done);
}

TEST_CASE("an end that nobody waited for is unknown") {
  rollouts r{{{"shop", "web", 3}}};
  CHECK(
    one_line(r.last_line("stopped watching", now).value())
    == R"({"type":"rollout.finished","time":"1970-01-01T00:00:00.000005Z","namespace":"shop",)"
       R"("group":"web","version":3,"rollout":0,"outcome":"unknown","reason":"stopped watching"})"
       "\n");
}

TEST_CASE("of several groups the last line tells the worst, whichever ended last") {
  rollouts r{{{"shop", "api", 2}, {"shop", "web", 3}}};
  r.take(end_of("web", rollout_outcome::failed, "it exited"));
  CHECK_FALSE(r.have_ended());
  r.take(end_of("api", rollout_outcome::succeeded, ""));
  CHECK(r.have_ended());
  auto line = r.last_line("", now).value();
  CHECK(line["outcome"] == "failed");
  CHECK(line["group"] == "web");
  CHECK(line["rollouts"].size() == 2);
  CHECK(line["rollouts"][0]["outcome"] == "succeeded");
  CHECK(r.exit() == exit_code::failed);
}

TEST_CASE("of several groups the one that goes on counts") {
  rollouts r{{{"shop", "api", 2}, {"shop", "web", 3}}};
  r.take(end_of("api", rollout_outcome::failed, "it exited"));
  auto line = r.last_line("gave up", now).value();
  CHECK(line["outcome"] == "unknown");
  CHECK(line["group"] == "web");
  CHECK(line["rollouts"][0]["outcome"] == "failed");
}

TEST_CASE("what may still run is not stopped: nobody saw the end") {
  auto end = [](std::uint64_t left) {
    messages::rollout_finished what{rollout_outcome::succeeded, ""};
    what.left = left;
    return messages::event{1, {1}, "shop", "web", 0, what};
  };
  for (bool is_stop : {true, false}) {
    rollouts some{{{"shop", "web", is_stop ? 3U : 0U}}, is_stop ? "stopped" : ""};
    some.take(end(1));
    CHECK(some.exit() == exit_code::gave_up);
    rollouts none{{{"shop", "web", is_stop ? 3U : 0U}}, is_stop ? "stopped" : ""};
    none.take(end(0));
    CHECK(none.exit() == exit_code::done);
  }
  // The new version is there, whatever becomes of the old one.
  rollouts build{{{"shop", "web", 3}}};
  build.take(end(1));
  CHECK(build.exit() == exit_code::done);
}

TEST_CASE("a job that has failed by the end of its rollout is a failure") {
  rollouts r{{{"shop", "web", 3}}};
  r.take(end_of("web", rollout_outcome::succeeded, ""));
  standing found;
  found.instances.push_back({.version = 3, .state = messages::instance_state::ready, .job = true});
  r.look({"shop", "web"}, found);
  CHECK(r.exit() == exit_code::done);
  found.instances.back().state = messages::instance_state::failed;
  r.look({"shop", "web"}, found);
  CHECK(r.exit() == exit_code::failed);
}

namespace {

/// A rollout that has succeeded, whose version has the job `import-1` in this state.
rollouts with_job(messages::instance_state state) {
  rollouts out{{{"shop", "web", 3}}};
  out.await_jobs();
  out.take(end_of("web", rollout_outcome::succeeded, ""));
  messages::instance_row job;
  job.id = "import-1";
  job.version = 3;
  job.job = true;
  job.deadline = 300;
  job.state = state;
  out.look({"shop", "web"}, {{}, {job}});
  return out;
}

messages::event job_went_to(messages::instance_state to, std::optional<int> exit) {
  messages::instance_change what;
  what.id = "import-1";
  what.to = to;
  what.exit = exit;
  return {2, {2}, "shop", "web", 3, what};
}

} // namespace

TEST_CASE("a job that runs when the rollout ends is waited for, until it has ended") {
  auto r = with_job(messages::instance_state::ready);
  CHECK(r.waits_for_jobs());
  CHECK(r.patience() == std::chrono::seconds{300});
  r.take(job_went_to(messages::instance_state::running, {}));
  CHECK(r.waits_for_jobs());
  r.take(job_went_to(messages::instance_state::stopped, 0));
  CHECK_FALSE(r.waits_for_jobs());
  CHECK(r.exit() == exit_code::done);
}

TEST_CASE("the first failure of a job counts") {
  auto r = with_job(messages::instance_state::ready);
  r.take(job_went_to(messages::instance_state::failed, 3));
  CHECK_FALSE(r.waits_for_jobs());
  CHECK(r.exit() == exit_code::failed);
  CHECK(r.jobs().at(0).at("id") == "import-1");
}

TEST_CASE("a job that is stopped while it is waited for was not done") {
  auto r = with_job(messages::instance_state::ready);
  r.take(job_went_to(messages::instance_state::stopped, 143));
  CHECK_FALSE(r.waits_for_jobs());
  CHECK(r.exit() == exit_code::failed);
}

TEST_CASE("a job that had ended when the rollout did is not waited for") {
  CHECK_FALSE(with_job(messages::instance_state::failed).waits_for_jobs());
  rollouts of_a_failed_one{{{"shop", "web", 3}}};
  of_a_failed_one.await_jobs();
  of_a_failed_one.take(end_of("web", rollout_outcome::failed, ""));
  messages::instance_row job;
  job.version = 3;
  job.job = true;
  job.deadline = 300;
  of_a_failed_one.look({"shop", "web"}, {{}, {job}});
  CHECK_FALSE(of_a_failed_one.waits_for_jobs());
}
