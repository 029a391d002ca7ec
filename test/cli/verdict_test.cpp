#include "cli/verdict.hpp"

#include <doctest/doctest.h>

using namespace deployminator;
using namespace deployminator::cli;
using messages::instance_state;
using messages::rollout_outcome;

namespace {

messages::instance_row web_instance(const std::string& id, std::uint64_t version,
                                    instance_state state, const std::string& machine = "w1") {
  return {.id = id,
          .namespace_ = "shop",
          .group = "web",
          .application = "server",
          .version = version,
          .build = version + 40,
          .machine = machine,
          .state = state};
}

messages::instance_row web_job(instance_state state, std::optional<int> exit = {}) {
  auto out = web_instance("import-1", 3, state);
  out.application = "import";
  out.job = true;
  out.exit = exit;
  return out;
}

standing web_standing(std::uint64_t deployed, std::vector<messages::instance_row> instances) {
  standing out{{.namespace_ = "shop", .group = "web", .deployed_version = deployed}, {}};
  for (const auto& each : instances)
    if (each.version == deployed) {
      ++out.group.wanted;
      out.group.ready += each.state == instance_state::ready ? 1 : 0;
    }
  out.instances = std::move(instances);
  return out;
}

std::string verdict(std::uint64_t version, messages::rollout_finished end,
                    const std::optional<standing>& then, const std::string& done = {}) {
  return verdict_of({{"shop", "web"}, version, done, std::move(end), {}}, then, "4.1s");
}

const messages::rollout_finished web_success{rollout_outcome::succeeded, "every instance is ready"};

} // namespace

TEST_CASE("a version that is deployed is told with where it runs") {
  CHECK(verdict(3, web_success,
                web_standing(3, {web_instance("a", 3, instance_state::ready),
                                 web_instance("b", 3, instance_state::ready, "w2"),
                                 web_instance("old", 2, instance_state::stopping)}))
        == "shop/web: version 3 (build 43) is deployed, 2 instances on 2 machines (4.1s)\n");
}

TEST_CASE("what is ready no more when the end is told is counted apart") {
  CHECK(verdict(3, web_success,
                web_standing(3, {web_instance("a", 3, instance_state::ready),
                                 web_instance("b", 3, instance_state::starting)}))
        == "shop/web: version 3 (build 43) is deployed, 2 instances on 1 machine, of which 1 not "
           "ready now (4.1s)\n");
}

TEST_CASE("who cannot ask the server any more tells what its last event said") {
  CHECK(verdict(3, web_success, std::nullopt)
        == "shop/web: version 3: every instance is ready (4.1s)\n");
}

TEST_CASE("after a failed rollout the version that still serves is named") {
  messages::rollout_finished end{rollout_outcome::failed, "web-1 on w1 exited with code 3"};
  CHECK(verdict(3, end, web_standing(2, {web_instance("a", 2, instance_state::ready)}))
        == "shop/web: the rollout of version 3 failed: web-1 on w1 exited with code 3; version 2 "
           "still serves, 1 of 1 instance ready\n");
  CHECK(verdict(3, end, web_standing(2, {web_instance("a", 2, instance_state::lost)}))
        == "shop/web: the rollout of version 3 failed: web-1 on w1 exited with code 3; version 2 "
           "stays deployed, 0 of 1 instance ready\n");
  CHECK(verdict(3, end, web_standing(0, {}))
        == "shop/web: the rollout of version 3 failed: web-1 on w1 exited with code 3; nothing is "
           "deployed\n");
  CHECK(verdict(3, end, std::nullopt)
        == "shop/web: the rollout of version 3 failed: web-1 on w1 exited with code 3\n");
}

TEST_CASE("a reason that says how it ended is told alone") {
  CHECK(verdict(3, {rollout_outcome::superseded, "superseded by version 4"}, web_standing(2, {}))
        == "shop/web: the rollout of version 3 superseded by version 4\n");
}

TEST_CASE("a job that still runs is no success yet, and one that failed is none at all") {
  auto other = web_instance("a", 3, instance_state::ready);
  CHECK(verdict(3, web_success, web_standing(3, {other, web_job(instance_state::ready)}))
        == "shop/web: version 3 (build 43) is rolled out, 2 instances on 1 machine (4.1s)\n"
           "    its job import still runs, and how it ends is not known yet: deploy instances "
           "shop/web\n");
  CHECK(verdict(3, web_success, web_standing(3, {other, web_job(instance_state::stopped, 0)}))
        == "shop/web: version 3 (build 43) is deployed, 2 instances on 1 machine (4.1s)\n"
           "    its job import is done\n");
  auto broken = web_job(instance_state::failed, 3);
  broken.reason = "exited with code 3";
  auto found = web_standing(3, {other, broken});
  CHECK(verdict(3, web_success, found)
        == "shop/web: version 3 (build 43) is rolled out, 2 instances on 1 machine (4.1s)\n"
           "    its job import failed: exited with code 3; its log: deploy logs import-1\n");
  CHECK(jobs_of(found, 3).size() == 1);
  CHECK(jobs_of(found, 2).empty());
}

TEST_CASE("a job that failed is told with what it printed, also where it is tried again already") {
  messages::instance_change seen;
  seen.id = "import-1";
  seen.exit = 3;
  seen.reason = "exited with code 3";
  seen.output = "reads\nno such table\n";
  auto again = web_job(instance_state::running, 3);
  CHECK(state_of_job(again, {}) == job_state::running);
  CHECK(state_of_job(again, {{"import-1", seen}}) == job_state::failed);
  CHECK(verdict_of({{"shop", "web"}, 3, "", web_success, {{"import-1", seen}}, {}},
                   web_standing(3, {again}), "4.1s")
        == "import-1 on w1:\n"
           "    | reads\n"
           "    | no such table\n"
           "shop/web: version 3 (build 43) is rolled out, 1 instance on 1 machine (4.1s)\n"
           "    its job import failed: exited with code 3; its log: deploy logs import-1\n");
  // It did well the second time.
  CHECK(state_of_job(web_job(instance_state::stopped, 0), {{"import-1", seen}}) == job_state::done);
}

TEST_CASE("a job that somebody stopped is not done") {
  messages::instance_change stopped;
  stopped.application = "import";
  stopped.reason = "killed by signal 15 (SIGTERM)";
  CHECK(verdict_of({{"shop", "web"}, 3, "", web_success, {}, {stopped}},
                   web_standing(3, {web_instance("a", 3, instance_state::ready)}), "4.1s")
        == "shop/web: version 3 (build 43) is rolled out, 1 instance on 1 machine (4.1s)\n"
           "    its job import was stopped before it had ended: killed by signal 15 (SIGTERM)\n");
}

TEST_CASE("an undeploy tells what may still run, and on which machine") {
  messages::rollout_finished end{rollout_outcome::succeeded, "the group is undeployed"};
  CHECK(verdict(0, end, web_standing(0, {}))
        == "shop/web: undeployed, nothing of it runs any more (4.1s)\n");
  end.left = 1;
  CHECK(verdict(0, end, web_standing(0, {web_instance("a", 3, instance_state::lost, "w2")}))
        == "shop/web: undeployed, but 1 instance may still run on w2, which cannot be reached, "
           "until it is back (4.1s)\n");
  CHECK(verdict(0, end, std::nullopt)
        == "shop/web: undeployed, but 1 instance may still run on machines that cannot be reached, "
           "until those are back (4.1s)\n");
}

TEST_CASE("what has stopped on a machine that cannot note it is not said to run") {
  messages::rollout_finished end{
    rollout_outcome::succeeded,
    "the group is undeployed; 1 stopped instances stay known until their machines can write again"};
  CHECK(verdict(0, end, web_standing(0, {web_instance("a", 3, instance_state::stopping)}))
        == "shop/web: " + end.reason + " (4.1s)\n");
}

TEST_CASE("a new version does not hide that an old instance may still run") {
  auto end = web_success;
  end.left = 1;
  CHECK(verdict(3, end,
                web_standing(3, {web_instance("a", 3, instance_state::ready),
                                 web_instance("b", 2, instance_state::lost, "w2")}))
        == "shop/web: version 3 (build 43) is deployed, 1 instance on 1 machine (4.1s)\n"
           "    of former ones, 1 instance may still run on w2, which cannot be reached, until it "
           "is back\n");
}

TEST_CASE("stopping tells its word and the reason") {
  CHECK(verdict(3, {rollout_outcome::succeeded, "what was to stop is gone"}, web_standing(3, {}),
                "stopped")
        == "shop/web: stopped, what was to stop is gone (4.1s)\n");
}
