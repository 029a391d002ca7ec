#include "actors/decisions/definition.hpp"

#include <doctest/doctest.h>
#include <fmt/format.h>

#include <algorithm>

using namespace deployminator;
using namespace deployminator::actors;
using namespace deployminator::messages;

namespace {

application web() {
  application app;
  app.name = app.binary = "web";
  app.download_url = "https://builds/web-1.tar";
  app.args = {"-port=${PORT1}"};
  return app;
}

/// `field: before → after`, one each.
std::vector<std::string> texts(const std::vector<field_difference>& list) {
  std::vector<std::string> out;
  for (const auto& each : list)
    out.push_back(each.field + ": " + each.before.value_or("-") + " → " + each.after.value_or("-"));
  return out;
}

} // namespace

TEST_CASE("the same definition has no differences, whatever its row and what is not known yet") {
  auto before = web();
  before.id = 7;
  before.sha256 = "ab";
  auto after = web();
  CHECK(differences(&before, &after).empty());
}

TEST_CASE("a difference is told by the key of deploy.yaml, durations in seconds") {
  auto before = web();
  auto after = web();
  after.limits.max_memory_mb = 500;
  after.min_ready = duration{1'500};
  after.instances = 3;
  after.rollout.parallel = {2, false};
  after.rollout.fetch_deadline = duration{60'000};
  after.machine_groups = {"worker", "db"};
  after.args = {"-port=${PORT1}", "-v"};
  auto list = texts(differences(&before, &after));
  CAPTURE(fmt::format("{}", fmt::join(list, " | ")));
  CHECK(list
        == std::vector<std::string>{"args: [-port=${PORT1}] → [-port=${PORT1}, -v]",
                                    "instances: 1 → 3", "limits.maxmemory: 3000 → 500",
                                    "machines: [worker] → [worker, db]",
                                    "rollout.fetch_deadline: none → 60s",
                                    "rollout.min_ready: 5s → 1.5s", "rollout.parallel: 25% → 2"});
}

TEST_CASE("limits are told as deploy.yaml says them") {
  auto before = web();
  auto after = web();
  after.limits.bounds_address_space = false;
  after.limits.max_kill_memory_mb = 64;
  after.limits.cpu_percent = 50;
  after.limits.processes = unlimited;
  CHECK(texts(differences(&before, &after))
        == std::vector<std::string>{"limits.cpu: none → 50%", "limits.maxkillmemory: none → 64",
                                    "limits.maxmemory: 3000 → none",
                                    "limits.processes: none → unlimited"});
}

TEST_CASE("another health check is told by the keys of deploy.yaml") {
  auto before = web();
  auto after = web();
  after.health.kind = health_kind::http;
  after.health.path = "/health";
  after.health.port = 1;
  after.health.start_within = duration{300'000};
  CHECK(texts(differences(&before, &after))
        == std::vector<std::string>{"health.failures: - → 3", "health.http: - → /health",
                                    "health.interval: - → 2s", "health.port: - → 1",
                                    "health.timeout: - → 1s"});
  before.health.kind = health_kind::notify;
  before.health.watchdog = duration{1'500};
  after.health = before.health;
  after.health.watchdog = duration{0};
  CHECK(texts(differences(&before, &after))
        == std::vector<std::string>{"health.watchdog: 1.5s → none"});
  before.health = {.kind = health_kind::exec, .exec = {"check", "--password", "secret"}};
  after.health = {.kind = health_kind::exec, .exec = {"check", "--password", "other"}};
  CHECK(texts(differences(&before, &after))
        == std::vector<std::string>{
          "health.exec: [check, --password, ***] → [check, --password, ***] (changed)"});
}

TEST_CASE("what is new has no before, what goes no after") {
  auto app = web();
  auto fresh = differences(nullptr, &app);
  CHECK(texts(fresh).front() == "args: - → [-port=${PORT1}]");
  CHECK(std::all_of(fresh.begin(), fresh.end(), [](const auto& each) { return !each.before; }));
  auto gone = differences(&app, nullptr);
  CHECK(std::all_of(gone.begin(), gone.end(), [](const auto& each) { return !each.after; }));
  auto before = web();
  before.env = {{"A", "1"}, {"B", "1"}};
  auto after = web();
  after.env = {{"B", "1"}, {"C", "2"}};
  CHECK(texts(differences(&before, &after))
        == std::vector<std::string>{"env.C: - → 2", "env.A: 1 → -"});
}

TEST_CASE("a secret is masked, and that it has changed is told") {
  auto before = web();
  before.env = {{"DB_PASSWORD", "one"}, {"DB", "mysql://user:pw@db/shop?x=1"}};
  before.args = {"--api-token=abc", "--secret", "xyz", "-v"};
  before.download_url = "https://user:pw@builds/web.tar?sig=1";
  before.download_password = "one";
  auto after = before;
  after.env = {{"DB_PASSWORD", "two"}, {"DB", "mysql://user:other@db/shop?x=1"}};
  after.args = {"--api-token=abd", "--secret", "xyy", "-v"};
  after.download_url = "https://user:pw@builds/web.tar?sig=2";
  after.download_password = "";
  CHECK(texts(differences(&before, &after))
        == std::vector<std::string>{
          "args: [--api-token=***, --secret, ***, -v] → [--api-token=***, --secret, ***, -v] "
          "(changed)",
          "downloadpassword: *** → ",
          "downloadurl: https://builds/web.tar → "
          "https://builds/web.tar (changed)",
          "env.DB: mysql://db/shop → mysql://db/shop (changed)",
          "env.DB_PASSWORD: *** → *** (changed)"});
}

TEST_CASE("a variable in an argument that is a URL is not looked for in its query") {
  CHECK(masked("", "http://user:pw@host/?token=1") == "http://host/");
  CHECK(masked("", "--from=http://user:pw@host/") == "--from=http://host/");
  CHECK(masked("", "MODE=fast") == "MODE=fast");
}
