#include "actors/decisions/access.hpp"

#include <doctest/doctest.h>
#include <fmt/format.h>

using namespace deployminator::actors;
using namespace deployminator::messages;

namespace {

const caller builder{"ci", key_role::builder, {"shop"}};
const caller viewer{"bob", key_role::viewer, {}};
const caller agent{"w1", key_role::agent, {}};

} // namespace

TEST_CASE("an operator may send what people send") {
  caller alice{"alice", key_role::operator_, {}};
  CHECK_FALSE(objection_to(alice, undeploy{"o", "shop", "web"}));
  CHECK_FALSE(objection_to(alice, add_key{}));
  CHECK_FALSE(objection_to(alice, query{query_subject::keys}));
  CHECK(objection_to(alice, report{}));
}

TEST_CASE("a builder may build, roll back and read, in its namespaces") {
  CHECK_FALSE(objection_to(builder, submit_build{}));
  CHECK_FALSE(objection_to(builder, roll_to_version{"o", "shop", "web"}));
  CHECK_FALSE(objection_to(builder, query{}));
  CHECK(objection_to(builder, undeploy{"o", "shop", "web"}));
  auto elsewhere = objection_to(builder, roll_to_version{"o", "bank", "web"});
  REQUIRE(elsewhere);
  CHECK(elsewhere->code == failure_code::forbidden);
  CHECK(elsewhere->message == "key ci is good for shop, not for namespace bank");
  CHECK(objection_to(builder, query{query_subject::status, "bank"}));
  CHECK(objection_to(builder, find_logs{{}, "bank", "web"}));
}

TEST_CASE("a build is looked into for namespaces that are not the builder's") {
  build_to_deploy build{{}, {{"shop", "web", {}}}};
  CHECK_FALSE(objection_to_groups(builder, readable_order{build}));
  build.groups.push_back({"bank", "web", {}});
  CHECK(objection_to_groups(builder, readable_order{build}));
  CHECK_FALSE(objection_to_groups(caller{}, readable_order{build}));
}

TEST_CASE("a viewer reads, and changes nothing") {
  CHECK_FALSE(objection_to(viewer, query{}));
  CHECK_FALSE(objection_to(viewer, events_after{}));
  CHECK_FALSE(objection_to(viewer, read_log{}));
  CHECK_FALSE(objection_to(viewer, find_logs{}));
  CHECK(objection_to(viewer, query{query_subject::keys}));
  CHECK(objection_to(viewer, submit_build{}));
}

TEST_CASE("an agent speaks for its machine, and asks nothing") {
  CHECK_FALSE(objection_to(agent, report{}));
  CHECK_FALSE(objection_to(agent, assigned{}));
  CHECK(objection_to(agent, query{}));
  CHECK(objection_to(agent, submit_build{}));
}

TEST_CASE("nobody says what a server says") {
  for (const auto& who : {caller{}, builder, viewer, agent})
    CHECK(objection_to(who, assignment{})->message == "nobody sends assignment to a server");
}

TEST_CASE("of a page of events one sees what is one's own, and how far it goes") {
  event_page page;
  page.last = 7;
  page.events = {{5, {}, "shop", "web", 1, rollout_step{}},
                 {6, {}, "bank", "web", 1, rollout_step{}},
                 {7, {}, "", "", 0, key_change{"eve"}}};
  CHECK_FALSE(visible_part(viewer, page).complete_to);
  CHECK(visible_part(viewer, page).events.size() == 3);
  auto seen = visible_part(builder, page);
  CHECK(seen.events.size() == 1);
  CHECK(seen.complete_to == 7);
  CHECK(visible_part(builder, {{}, 7}).complete_to == 7);
}
