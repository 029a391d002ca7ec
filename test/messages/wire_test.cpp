#include "messages/wire.hpp"

#include <doctest/doctest.h>

using namespace deployminator::messages;

TEST_CASE("a message is narrowed to the part it belongs to, with its content") {
  auto as_order = narrowed<order>(message{undeploy{"o", "ns", "g"}});
  REQUIRE(as_order);
  CHECK(std::get<undeploy>(*as_order).group == "g");
  auto as_question = narrowed<question>(message{events_after{7}});
  REQUIRE(as_question);
  CHECK(std::get<events_after>(*as_question).seq == 7);
  CHECK(narrowed<other_message>(message{heartbeat{}}));
}

TEST_CASE("a message of another part is narrowed to nothing") {
  CHECK_FALSE(narrowed<order>(message{events_after{}}));
  CHECK_FALSE(narrowed<order>(message{accepted{}}));
  CHECK_FALSE(narrowed<question>(message{submit_build{}}));
  CHECK_FALSE(narrowed<question>(message{table{}}));
  CHECK_FALSE(narrowed<other_message>(message{read_log{}}));
}

TEST_CASE("an alternative that could be made of another one is not taken for it") {
  // Both are read from an empty map, and `assigned` could be made of what `reported` has.
  using either = std::variant<assigned, heartbeat>;
  CHECK_FALSE(narrowed<either>(message{reported{3}}));
  CHECK_FALSE(narrowed<either>(message{unknown_peer{}}));
}
