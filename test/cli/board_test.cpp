#include "cli/board.hpp"

#include <doctest/doctest.h>
#include <fmt/format.h>

using namespace deployminator;
using namespace deployminator::cli;
using messages::instance_state;
using messages::timestamp;

namespace {

constexpr std::int64_t second = 1'000'000;

struct view {
  board picture;
  timestamp now{100 * second};
  std::uint64_t version = 12;

  void happens(messages::event::content what) {
    picture.apply({1, now, "shop", "web", version, std::move(what)}, now);
  }
  void becomes(const std::string& id, instance_state from, instance_state to,
               const std::string& reason = "") {
    happens(messages::instance_change{
      .id = id, .machine = "w1", .from = from, .to = to, .ports = {4100}, .reason = reason});
  }
  void fetches(std::uint64_t bytes, std::uint64_t total) {
    happens(messages::download_progress{
      "w1", "http://x/web.tar.gz", {"web-1", "web-2"}, bytes, total, 4'194'304, 2});
  }
  std::vector<std::string> text(canvas c = {.width = 100, .height = 24}) const {
    std::vector<std::string> out;
    for (const auto& each : picture.lines(c, now))
      out.push_back(rendered(each, c));
    return out;
  }
};

using texts = std::vector<std::string>;

} // namespace

TEST_CASE("while it downloads a machine has one line, however many instances wait") {
  view v;
  v.picture.follow({"shop", "web", 12}, v.now);
  v.happens(messages::rollout_step{"fetching", ""});
  v.becomes("web-1", instance_state::preparing, instance_state::downloading);
  v.becomes("web-2", instance_state::preparing, instance_state::downloading);
  v.fetches(10'485'760, 20'971'520);
  v.now = {103 * second};
  CHECK(v.text()
        == texts{"shop/web  version 12  fetching  0/2 ready  3s",
                 "  w1  10.0/20.0 MiB  4.0 MiB/s  ETA 2s  web.tar.gz"});
}

TEST_CASE("why a download does not get on stands below it, and why one has not begun") {
  view v;
  v.picture.follow({"shop", "web", 12}, v.now);
  v.becomes("web-1", instance_state::downloading, instance_state::downloading, "busy; tried again");
  v.becomes("web-3", instance_state::downloading, instance_state::downloading, "queued behind a");
  v.fetches(10'485'760, 20'971'520);
  CHECK(v.text()
        == texts{"shop/web  version 12  0/2 ready  0s",
                 "  w1  10.0/20.0 MiB  4.0 MiB/s  ETA 2s  web.tar.gz",
                 "  w1  web-1  downloading: busy; tried again",
                 "  w1  web-3  downloading: queued behind a"});
}

TEST_CASE("when a download is done its line goes and the instances show their states") {
  view v;
  v.picture.follow({"shop", "web", 12}, v.now);
  v.becomes("web-1", instance_state::preparing, instance_state::downloading);
  v.becomes("web-2", instance_state::preparing, instance_state::downloading);
  v.fetches(20'971'520, 20'971'520);
  v.becomes("web-1", instance_state::downloading, instance_state::starting);
  v.now = {103 * second + 200'000};
  v.becomes("web-1", instance_state::starting, instance_state::ready);
  CHECK(v.text()
        == texts{"shop/web  version 12  1/2 ready  3s", "  w1  web-1  ready :4100 (3.2s)",
                 "  w1  web-2  downloading"});
}

TEST_CASE("a download whose last news was lost goes when its instances go on") {
  view v;
  v.picture.follow({"shop", "web", 12}, v.now);
  v.fetches(10, 20);
  v.becomes("web-1", instance_state::downloading, instance_state::starting);
  v.becomes("web-2", instance_state::downloading, instance_state::starting);
  CHECK(v.text()
        == texts{"shop/web  version 12  0/2 ready  0s", "  w1  web-1  starting",
                 "  w1  web-2  starting"});
}

TEST_CASE("old instances are counted apart and go when they are gone") {
  view v;
  v.version = 11;
  v.becomes("old-1", instance_state::running, instance_state::ready);
  v.version = 12;
  v.picture.follow({"shop", "web", 12}, v.now);
  v.becomes("web-1", instance_state::running, instance_state::ready);
  CHECK(v.text()
        == texts{"shop/web  version 12  1/1 ready  1 of other versions  0s",
                 "  w1  old-1  ready :4100  (version 11)", "  w1  web-1  ready :4100"});
  v.version = 11;
  v.becomes("old-1", instance_state::ready, instance_state::stopping);
  v.becomes("old-1", instance_state::stopping, instance_state::stopped);
  CHECK(v.text() == texts{"shop/web  version 12  1/1 ready  0s", "  w1  web-1  ready :4100"});
}

TEST_CASE("a job that is done stays in sight") {
  view v;
  v.picture.follow({"shop", "web", 12}, v.now);
  v.becomes("job-1", instance_state::running, instance_state::stopped);
  CHECK(v.text().back() == "  w1  job-1  stopped");
}

TEST_CASE("a failed instance shows why") {
  view v;
  v.picture.follow({"shop", "web", 12}, v.now);
  v.becomes("web-1", instance_state::starting, instance_state::failed, "exit code 3");
  CHECK(v.text().back() == "  w1  web-1  failed: exit code 3");
}

TEST_CASE("the end of a rollout stands in the heading, and who undeploys sees that") {
  view v;
  v.picture.follow({"shop", "web", 12}, v.now);
  v.becomes("web-1", instance_state::starting, instance_state::ready);
  v.happens(messages::rollout_finished{});
  v.picture.show_groups(
    {{.namespace_ = "shop", .group = "web", .deployed_version = 12, .wanted = 1}});
  CHECK(v.text().front() == "shop/web  version 12  succeeded  1/1 ready");
  v.picture.follow({"shop", "web", 0}, v.now);
  CHECK(v.text().front() == "shop/web  undeploying  1 of other versions  0s");
}

TEST_CASE("a late viewer's picture begins with the tables") {
  view v;
  v.picture.show_groups(
    {{.namespace_ = "shop",
      .group = "web",
      .deployed_version = 11,
      .pending_version = 12,
      .wanted = 1,
      .rollout = messages::rollout_row{12, messages::rollout_phase::starting, {90 * second}}}});
  v.picture.show_instances({{.id = "web-1",
                             .namespace_ = "shop",
                             .group = "web",
                             .version = 12,
                             .machine = "w1",
                             .state = instance_state::running,
                             .ports = {4100}}});
  v.picture.show_machines({{.name = "w1", .state = messages::machine_state::ready},
                           {.name = "w2", .state = messages::machine_state::unreachable}});
  CHECK(v.text()
        == texts{"shop/web  version 12  starting  0/1 ready  10s", "  w1  web-1  running :4100",
                 "w2  unreachable"});
}

TEST_CASE("where there is no room, what needs a person's eye is kept") {
  view v;
  v.picture.follow({"shop", "web", 12}, v.now);
  for (int i = 0; i < 100; ++i)
    v.becomes(fmt::format("web-{:03}", i), instance_state::starting, instance_state::ready);
  v.becomes("web-077", instance_state::ready, instance_state::failed, "died");
  v.becomes("web-088", instance_state::ready, instance_state::starting);
  CHECK(v.text({.width = 100, .height = 6})
        == texts{"shop/web  version 12  98/100 ready  0s", "  w1  web-000  ready :4100",
                 "  w1  web-077  failed: died", "  w1  web-088  starting", "… and 97 more"});
}

TEST_CASE("lines are as wide as the terminal at most") {
  view v;
  v.picture.follow({"shop", "web", 12}, v.now);
  v.becomes("web-1", instance_state::starting, instance_state::failed, std::string(500, 'x'));
  for (const auto& each : v.text({.width = 40, .height = 24}))
    CHECK(columns(each) <= 40);
}

TEST_CASE("a version that failed has nothing left to be ready") {
  view v;
  v.picture.show_groups({{.namespace_ = "shop", .group = "web", .wanted = 1}});
  v.picture.follow({"shop", "web", 12}, v.now);
  v.happens(messages::rollout_step{"stopping_new", "web-1 on w1 exited"});
  CHECK(v.text().front().find("ready") == std::string::npos);
  v.happens(messages::rollout_finished{messages::rollout_outcome::failed, ""});
  CHECK(v.text().front() == "shop/web  nothing deployed  rollout of version 12 failed");
}

TEST_CASE(
  "after a failed rollout the version that serves stands in the heading, and why it failed") {
  view v;
  v.version = 11;
  v.picture.show_groups(
    {{.namespace_ = "shop", .group = "web", .deployed_version = 11, .wanted = 1}});
  v.becomes("old-1", instance_state::running, instance_state::ready);
  v.version = 12;
  v.picture.follow({"shop", "web", 12}, v.now);
  v.becomes("web-1", instance_state::starting, instance_state::failed, "exited with code 3");
  v.happens(messages::rollout_step{"stopping_new", "web-1 on w1 exited with code 3"});
  v.becomes("web-1", instance_state::failed, instance_state::stopped);
  v.happens(messages::rollout_finished{messages::rollout_outcome::failed,
                                       "web-1 on w1 exited with code 3"});
  CHECK(
    v.text()
    == texts{"shop/web  version 11  1/1 ready  rollout of version 12 failed: web-1 on w1 exited "
             "with code 3",
             "  w1  old-1  ready :4100"});
}

TEST_CASE("a version of which every instance was ready is the deployed one, also if superseded") {
  view v;
  v.picture.show_groups(
    {{.namespace_ = "shop", .group = "web", .deployed_version = 11, .wanted = 1}});
  v.picture.follow({"shop", "web", 12}, v.now);
  v.happens(messages::rollout_step{"stopping_old", "all 1 new instances are ready"});
  v.happens(
    messages::rollout_finished{messages::rollout_outcome::superseded, "superseded by version 13"});
  CHECK(v.text().front().starts_with("shop/web  version 12  "));
}

TEST_CASE("what lies in the machines' caches is not said to be fetched") {
  view v;
  v.picture.follow({"shop", "web", 12}, v.now);
  v.happens(messages::rollout_step{"fetching", ""});
  v.becomes("web-1", instance_state::preparing, instance_state::preparing,
            "the artifact is in the cache; is being unpacked");
  CHECK(v.text()
        == texts{"shop/web  version 12  preparing  0/1 ready  0s",
                 "  w1  web-1  preparing: the artifact is in the cache; is being unpacked"});
  v.becomes("web-2", instance_state::preparing, instance_state::downloading);
  CHECK(v.text().front() == "shop/web  version 12  fetching  0/2 ready  0s");
}

TEST_CASE("the board is never taller than the terminal, the row for the cursor included") {
  view v;
  v.picture.follow({"shop", "web", 12}, v.now);
  for (int i = 0; i < 9; ++i)
    v.becomes(fmt::format("web-{}", i), instance_state::starting, instance_state::ready);
  for (std::size_t height = 1; height < 20; ++height) {
    auto text = v.text({.width = 80, .height = height});
    CHECK(text.size() <= std::max<std::size_t>(1, height - 1));
    CHECK(text.front().starts_with("shop/web"));
  }
  // Where all fits nothing is left out for a line that says so.
  CHECK(v.text({.width = 80, .height = 11}).size() == 10);
}

TEST_CASE("on a narrow terminal names give way to states") {
  view v;
  v.picture.follow({"shop", "web", 12}, v.now);
  v.happens(messages::instance_change{.id = "recommendations-server-7h2k9mqe",
                                      .machine = "worker-eu-west-1",
                                      .from = instance_state::downloading,
                                      .to = instance_state::downloading});
  v.becomes("web-1", instance_state::starting, instance_state::failed, "exit code 3");
  auto text = v.text({.width = 40, .height = 24});
  CHECK(text.at(1) == "  w1  web-1  failed: exit code 3");
  CHECK(text.at(2) == "  …west-1  …server-7h2k9mqe  downloading");
  v.picture.apply({1, v.now, "recommendations", "recommendations-server", 4,
                   messages::rollout_step{"starting", ""}},
                  v.now);
  CHECK(v.text({.width = 40, .height = 24}).front().find("starting") != std::string::npos);
}
