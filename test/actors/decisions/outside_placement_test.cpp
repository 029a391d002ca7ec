#include "actors/decisions/outside_placement.hpp"

#include <doctest/doctest.h>

using namespace deployminator::actors;
using namespace deployminator::messages;

namespace {

/// Three instances by strategy `mine`, on `a`, `b` and `c`, of which `c` is out of reach.
placement_request three() {
  placement_request out{"shop/web/web", {}, {{"a"}, {"b"}, {"c", false}}, {}};
  out.app.strategy = "mine";
  out.app.instances = 3;
  out.app.limits.max_memory_mb = 100;
  return out;
}

std::string complaint(const placement_request& request, std::vector<std::string> machines,
                      std::string reason = "because") {
  auto answer = checked(request, {std::move(machines), std::move(reason)});
  return answer ? "" : answer.error().message;
}

const failure dead{failure_code::unreachable, "strategy mine is dead", "start it"};

} // namespace

TEST_CASE("a strategy outside is told of the application, what is missing, and each machine") {
  auto request = three();
  request.app.max_per_machine = 2;
  request.candidates[0] = {"a", true, 4000, 700, 5, 1};
  auto asked = question_for(request);
  CHECK(asked.strategy == "mine");
  CHECK(asked.application == "shop/web/web");
  CHECK(asked.instances == 3);
  CHECK(asked.missing == 2);
  CHECK(asked.max_per_machine == 2);
  CHECK(asked.memory_mb == 100);
  CHECK(asked.machine_groups == std::vector<std::string>{"worker"});
  REQUIRE(asked.machines.size() == 3);
  CHECK(asked.machines[0].memory_mb == 4000);
  CHECK(asked.machines[0].promised_mb == 700);
  CHECK(asked.machines[0].instances == 5);
  CHECK(asked.machines[0].own == 1);
  CHECK_FALSE(asked.machines[2].reachable);
}

TEST_CASE("nobody outside is asked where nothing is missing") {
  auto request = three();
  CHECK_FALSE(is_complete(request));
  request.candidates[2].own = 3;
  CHECK(is_complete(request));
  request.app.per_machine = true;
  CHECK_FALSE(is_complete(request));
  request.candidates[0].own = request.candidates[1].own = 3;
  request.candidates[2].own = 0;
  CHECK(is_complete(request));
  request.app.instances = 0;
  CHECK(is_complete(request));
}

TEST_CASE("an answer that can be carried out is the placement") {
  auto chosen = checked(three(), {{"b", "b", "a"}, "they are the best"});
  REQUIRE(chosen);
  CHECK(chosen->add == std::vector<std::string>{"b", "b", "a"});
  CHECK(chosen->reason == "they are the best");
}

TEST_CASE("an answer that cannot be carried out says what is wrong with it") {
  auto request = three();
  CHECK(complaint(request, {"a", "a", "moon"})
        == "strategy mine chose machine \"moon\" for shop/web/web, which is in none of its machine "
           "groups");
  CHECK(complaint(request, {"a", "b", "c"})
        == "strategy mine chose machine c for shop/web/web, which is out of reach");
  CHECK(complaint(request, {"a"})
        == "strategy mine chose machines for 1 instances of shop/web/web; 3 are missing");
  CHECK(complaint(request, {"a", "a", "a", "a"})
        == "strategy mine chose machines for 4 instances of shop/web/web; 3 are missing");
  CHECK(complaint(request, {"a", "a", "b"}, "")
        == "strategy mine gave a reason of 0 bytes for shop/web/web; expected 1 to 300");
  CHECK_FALSE(complaint(request, {"a", "a", "b"}, std::string(301, 'x')).empty());
  CHECK(complaint(request, {"a", "a", "b"}, std::string(300, 'x')).empty());
  request.app.max_per_machine = 1;
  CHECK(complaint(request, {"a", "a", "b"})
        == "strategy mine put 2 of shop/web/web on machine a; expected 1 at most");
}

TEST_CASE("where memory is counted a strategy outside keeps to it, and may place fewer") {
  auto request = three();
  request.overcommit_percent = 150;
  request.candidates[0] = {"a", true, 200, 100, 1, 0};
  request.candidates[1] = {"b", true, 100, 100, 1, 0};
  CHECK(question_for(request).machines[0].memory_mb == 300);
  CHECK(complaint(request, {"a", "a", "a"})
        == "strategy mine put 3 more of shop/web/web on machine a, which has memory for 2");
  CHECK(complaint(request, {"a", "a", "b"})
        == "strategy mine put 1 more of shop/web/web on machine b, which has memory for 0");
  auto fewer = checked(request, {{"a", "a"}, "they are the best"});
  REQUIRE(fewer);
  CHECK(fewer->is_short);
  CHECK(fewer->reason == "they are the best; 2 of 3 placed");
  request.last = {{"a", 3}};
  CHECK_FALSE(as_last_time(request, dead));
  request.candidates[0].memory_mb = 400;
  CHECK(as_last_time(request, dead)->add.size() == 3);
  request.app.max_per_machine = 2;
  CHECK_FALSE(as_last_time(request, dead));
}

TEST_CASE("where instances count for each machine a strategy outside says on how many machines") {
  auto request = three();
  request.app.per_machine = true;
  CHECK(complaint(request, {"a"}).empty());
  CHECK(complaint(request, {"a", "a", "a", "b"}).empty());
  CHECK(complaint(request, {"a", "a", "a", "a"})
        == "strategy mine put 4 of shop/web/web on machine a; expected 3 at most");
  CHECK(complaint(request, {}) == "strategy mine chose no machine for shop/web/web");
  request.candidates[1].own = 1;
  CHECK(complaint(request, {}).empty());
}

TEST_CASE("without its strategy a new version goes where the former one is") {
  auto request = three();
  request.last = {{"a", 2}, {"b", 1}};
  auto chosen = as_last_time(request, dead);
  REQUIRE(chosen);
  CHECK(chosen->add == std::vector<std::string>{"a", "a", "b"});
  CHECK(chosen->reason == "where they were, for strategy mine is dead");
  SUBCASE("and of fewer the first ones") {
    request.app.instances = 1;
    CHECK(as_last_time(request, dead)->add == std::vector<std::string>{"a"});
  }
  SUBCASE("beside those that stay") {
    request.candidates[0].own = 1;
    CHECK(as_last_time(request, dead)->add == std::vector<std::string>{"a", "b"});
  }
  SUBCASE("or on each of its machines") {
    request.app.per_machine = true;
    request.app.instances = 2;
    CHECK(as_last_time(request, dead)->add == std::vector<std::string>{"a", "a", "b", "b"});
  }
}

TEST_CASE("without its strategy nothing is placed that was nowhere, and the reason is told") {
  auto request = three();
  auto is_refused = [&] {
    auto chosen = as_last_time(request, dead);
    return !chosen
           && chosen.error().message == "shop/web/web cannot be placed: strategy mine is dead"
           && chosen.error().hint == "start it";
  };
  CHECK(is_refused());
  request.last.emplace();
  CHECK(is_refused());
  request.last = {{"a", 2}};
  CHECK(is_refused());
  request.last = {{"a", 2}, {"c", 1}};
  CHECK(is_refused());
  request.last = {{"a", 2}, {"moon", 1}};
  CHECK(is_refused());
}
