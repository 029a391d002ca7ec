#include "actors/strategies/strategy.hpp"
#include "messages/known_strategies.hpp"
#include "test/actors/support/actors_bench.hpp"

#include <doctest/doctest.h>

#include <fstream>
#include <iterator>
#include <string>

using namespace deployminator;
using namespace deployminator::actors;

namespace deployminator::actors {

/// The example of ARCHITECTURE.md, in first.cpp.
strategy_actor spawn_first(caf::actor_system& system);

} // namespace deployminator::actors

namespace {

std::string content_of(const std::string& file) {
  std::ifstream in{std::string{DEPLOYMINATOR_SOURCES "/"} + file};
  return {std::istreambuf_iterator<char>{in}, {}};
}

test::outcome_ptr<placement_ptr> ask(test::actors_bench& b, const strategy_actor& strategy) {
  placement_request request{"shop/web/web", {}, {{"a", false}, {"b"}, {"c"}}};
  request.app.instances = 2;
  request.app.limits.max_memory_mb = 0;
  auto out = b.ask<placement_ptr>(
    strategy, atom::place_v,
    placement_request_ptr{std::make_shared<const placement_request>(std::move(request))});
  caf::anon_send_exit(strategy, caf::exit_reason::kill);
  b.scheduler.run();
  return out;
}

} // namespace

TEST_CASE("each strategy that deploy.yaml may name answers, with machines within reach") {
  test::actors_bench b;
  auto strategies = spawn_strategies(b.system);
  CHECK(strategies.size() == messages::known_strategies().size());
  for (const auto& name : messages::known_strategies()) {
    CAPTURE(name);
    auto answer = ask(b, strategies.at(name));
    REQUIRE(answer->value);
    const auto& placed = **answer->value;
    CHECK_FALSE(placed.add.empty());
    CHECK_FALSE(placed.reason.empty());
    for (const auto& each : placed.add)
      CHECK(each != "a");
  }
}

TEST_CASE("the example of a strategy in ARCHITECTURE.md is one that works") {
  test::actors_bench b;
  auto answer = ask(b, spawn_first(b.system));
  REQUIRE(answer->value);
  CHECK((**answer->value).add == std::vector<std::string>{"b", "b"});
  auto example = content_of("test/actors/strategies/first.cpp");
  REQUIRE_FALSE(example.empty());
  CHECK(content_of("ARCHITECTURE.md").find("```cpp\n" + example + "```\n") != std::string::npos);
}
