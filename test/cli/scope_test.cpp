#include "cli/scope.hpp"

#include <doctest/doctest.h>

using namespace deployminator;
using namespace deployminator::cli;
using messages::instance_state;

namespace {

messages::event of(const std::string& group, std::uint64_t version, messages::event::content what) {
  return {1, {1}, group.empty() ? "" : "shop", group, version, std::move(what)};
}

messages::instance_change becoming(instance_state to) {
  return {.id = "web-1", .to = to};
}

} // namespace

TEST_CASE("without a group everything is of interest") {
  CHECK(scope{}.concerns(of("web", 1, messages::rollout_step{})));
  CHECK(scope{}.concerns(of("", 0, messages::machine_change{})));
}

TEST_CASE("a group's viewer sees the group and the machines") {
  scope web{group_name{"shop", "web"}};
  CHECK(web.concerns(of("web", 1, messages::rollout_step{})));
  CHECK_FALSE(web.concerns(of("db", 1, messages::rollout_step{})));
  CHECK(web.concerns(of("", 0, messages::machine_change{})));
}

TEST_CASE("a namespace's viewer sees its groups and the machines") {
  scope shop{group_name{"shop", ""}};
  CHECK(shop.concerns(of("web", 1, messages::rollout_step{})));
  CHECK(shop.concerns(of("db", 1, messages::rollout_step{})));
  CHECK(shop.concerns(of("", 0, messages::machine_change{})));
  CHECK_FALSE(scope{group_name{"other", ""}}.concerns(of("web", 1, messages::rollout_step{})));
}

TEST_CASE("who follows a rollout sees its events and no others") {
  scope mine{std::vector<messages::group_version>{{"shop", "web", 12}}};
  CHECK(mine.concerns(of("web", 12, messages::rollout_step{})));
  CHECK(mine.concerns(of("web", 12, messages::download_progress{})));
  CHECK(mine.concerns(of("web", 12, becoming(instance_state::ready))));
  CHECK_FALSE(mine.concerns(of("web", 13, messages::rollout_finished{})));
  CHECK_FALSE(mine.concerns(of("web", 13, becoming(instance_state::starting))));
  CHECK_FALSE(mine.concerns(of("db", 12, messages::rollout_step{})));
  CHECK_FALSE(mine.concerns(of("", 0, messages::machine_change{})));
}

TEST_CASE("who follows a rollout sees what befalls its machines and the server") {
  scope mine{std::vector<messages::group_version>{{"shop", "web", 12}}};
  mine.add_machines({"w1"});
  CHECK(mine.concerns(of("", 0, messages::machine_change{.machine = "w1"})));
  CHECK(mine.concerns(of("", 0, messages::trouble_change{.machine = "w1"})));
  CHECK(mine.concerns(of("", 0, messages::trouble_change{})));
  CHECK_FALSE(mine.concerns(of("", 0, messages::machine_change{.machine = "w2"})));
  CHECK_FALSE(mine.concerns(of("", 0, messages::trouble_change{.machine = "w2"})));
  CHECK_FALSE(mine.concerns(of("", 0, messages::port_change{.machine = "w1"})));
}

TEST_CASE("that the old instances end is part of a rollout") {
  scope mine{std::vector<messages::group_version>{{"shop", "web", 12}}};
  CHECK(mine.concerns(of("web", 11, becoming(instance_state::stopping))));
  CHECK(mine.concerns(of("web", 11, becoming(instance_state::stopped))));
  CHECK_FALSE(mine.concerns(of("web", 11, becoming(instance_state::ready))));
}

TEST_CASE("undeploying, which has no version, is followed by the ends of all instances") {
  scope mine{std::vector<messages::group_version>{{"shop", "web", 0}}};
  CHECK(mine.concerns(of("web", 0, messages::rollout_finished{})));
  CHECK(mine.concerns(of("web", 12, becoming(instance_state::stopped))));
}
