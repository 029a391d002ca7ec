#include "actors/decisions/presence.hpp"

#include <doctest/doctest.h>

using deployminator::actors::presence;

TEST_CASE("machines that are awaited count as within reach, but not as connected") {
  presence p{{"w1", "w2"}};
  CHECK(p.is_reachable("w1"));
  CHECK_FALSE(p.is_connected("w1"));
  CHECK_FALSE(p.is_reachable("w3"));
  CHECK_FALSE(p.is_complete());
}

TEST_CASE("it is known who is there when everybody awaited has come or was given up") {
  presence p{{"w1", "w2"}};
  p.arrive("w1");
  CHECK(p.is_connected("w1"));
  CHECK_FALSE(p.is_complete());
  CHECK(p.awaited() == std::set<std::string>{"w2"});
  p.leave("w2");
  CHECK(p.is_complete());
  CHECK_FALSE(p.is_reachable("w2"));
}

TEST_CASE("a machine that was not awaited may come and go") {
  presence p;
  CHECK(p.is_complete());
  p.arrive("w1");
  CHECK(p.is_connected("w1"));
  p.leave("w1");
  CHECK_FALSE(p.is_reachable("w1"));
  CHECK(p.is_complete());
}

TEST_CASE("who is expected counts as within reach until it comes or is given up") {
  presence p;
  p.expect("w1");
  CHECK(p.is_reachable("w1"));
  CHECK_FALSE(p.is_connected("w1"));
  CHECK_FALSE(p.is_complete());
  p.arrive("w1");
  CHECK(p.is_complete());
}

TEST_CASE("who is connected need not be expected") {
  presence p;
  p.arrive("w1");
  p.expect("w1");
  CHECK(p.is_complete());
}
