#include "actors/strategies/outside.hpp"
#include "test/actors/support/fakes.hpp"

#include <doctest/doctest.h>

using namespace deployminator;
using namespace deployminator::actors;
using namespace deployminator::messages;
using namespace std::chrono_literals;

namespace {

/// OUTSIDE STRATEGIES of epoch 7; clients and the DEPLOYMINATOR are played by the test.
struct bench : test::actors_bench {
  bench() {
    gateway = spawn(test::recording_gateway, &out);
    deployminator = spawn(test::fake_deployminator, &farm);
    subject = spawn(outside_strategies, outside_strategies_config{gateway, deployminator, 7});
    scheduler.run();
  }

  void take(const std::string& peer, message body, std::uint64_t id = 0) {
    tell(subject, atom::deliver_v,
         received{3,
                  peer,
                  std::make_shared<const envelope>(envelope{id, 0, std::move(body)}),
                  {},
                  std::nullopt});
  }

  void offer(const std::string& peer, const std::string& name = "mine") {
    take(peer, offer_strategy{name}, 5);
    REQUIRE(out.of<offered>(peer).size() == 1);
    out.all.clear();
  }

  /// Where two instances of `shop/web/web` go; `is_deployed`: they are on `a` now.
  test::outcome_ptr<placement_ptr> ask(bool is_deployed = false,
                                       const std::string& strategy = "mine") {
    placement_request request{"shop/web/web", {}, {{"a"}, {"b"}}, {}};
    request.app.strategy = strategy;
    request.app.instances = 2;
    if (is_deployed)
      request.last = {{"a", 2}};
    return actors_bench::ask<placement_ptr>(
      subject, atom::place_v,
      placement_request_ptr{std::make_shared<const placement_request>(std::move(request))});
  }

  /// The correlation id of the newest question that went out.
  [[nodiscard]] std::uint64_t last_id() const {
    REQUIRE_FALSE(out.of<place>().empty());
    for (auto each = out.all.rbegin();; ++each)
      if (std::holds_alternative<place>(each->envelope->body))
        return each->envelope->id;
  }

  test::outbox out;
  test::deployminator_calls farm;
  gateway_actor gateway;
  test::fake_deployminator_actor deployminator;
  outside_strategies_actor subject;
};

using machines = std::vector<std::string>;

} // namespace

TEST_CASE("a strategy that a client offers is asked, and its answer is the placement") {
  bench b;
  b.take("c", offer_strategy{"mine"}, 5);
  REQUIRE(b.out.all.size() == 1);
  CHECK(b.out.all[0].envelope->id == 5);
  CHECK(b.out.of<offered>("c").at(0).deadline == place_deadline);
  auto asked = b.ask();
  REQUIRE(b.out.of<place>("c").size() == 1);
  CHECK(b.out.all.back().envelope->epoch == 7);
  CHECK(b.out.of<place>("c")[0].missing == 2);
  b.take("c", placed{{"a", "b"}, "because"}, b.last_id());
  REQUIRE(asked->value);
  CHECK(**asked->value == placement{{"a", "b"}, "because"});
  b.pass(place_deadline + 1s);
  CHECK(b.farm.troubles.empty());
}

TEST_CASE("a strategy that nobody offers is refused with those there are") {
  bench b;
  b.offer("c", "other");
  auto asked = b.ask();
  REQUIRE(asked->error);
  CHECK(asked->error->message == "shop/web/web cannot be placed: nobody offers strategy mine");
  CHECK(asked->error->hint.find("pinned, other") != std::string::npos);
  CHECK(b.farm.troubles.empty());
}

TEST_CASE("a strategy that does not answer in time is refused, and what is deployed stays") {
  bench b;
  b.offer("c");
  auto fresh = b.ask();
  auto deployed = b.ask(true);
  b.pass(place_deadline - 100ms);
  CHECK(fresh->is_open());
  b.pass(200ms);
  REQUIRE(fresh->error);
  CHECK(fresh->error->message
        == "shop/web/web cannot be placed: strategy mine did not answer within 3 s");
  REQUIRE(deployed->value);
  CHECK(**deployed->value
        == placement{{"a", "a"}, "where they were, for strategy mine did not answer within 3 s"});
  CHECK(b.farm.troubles
        == std::vector<std::string>{"mine: strategy mine did not answer within 3 s"});
}

TEST_CASE("a strategy that owes an answer is not waited for again until it comes or long after") {
  bench b;
  b.offer("c");
  b.ask();
  auto owed = b.last_id();
  b.pass(place_deadline + 100ms);
  auto again = b.ask();
  REQUIRE(again->error);
  CHECK(again->error->message
        == "shop/web/web cannot be placed: strategy mine has not answered an earlier question");
  SUBCASE("its late answer is nobody's") {
    b.take("c", placed{{"a", "b"}, "late"}, owed);
    CHECK(b.ask()->is_open());
  }
  SUBCASE("a new offer is a new beginning") {
    b.take("c", offer_strategy{"mine"});
    CHECK(b.ask()->is_open());
  }
  SUBCASE("it is tried again") {
    b.pass(owing_wait);
    CHECK(b.ask()->is_open());
  }
}

TEST_CASE("an answer that cannot be carried out is refused, and so is the strategy's own no") {
  bench b;
  b.offer("c");
  auto asked = b.ask(true);
  SUBCASE("nonsense") {
    b.take("c", placed{{"moon", "b"}, "because"}, b.last_id());
    REQUIRE(asked->value);
    CHECK((**asked->value).reason.find("\"moon\"") != std::string::npos);
  }
  SUBCASE("no") {
    b.take("c", refusal{{failure_code::refused, "not on Sundays", ""}}, b.last_id());
    REQUIRE(asked->value);
    CHECK((**asked->value).reason == "where they were, for strategy mine says: not on Sundays");
  }
  CHECK(b.farm.troubles.size() == 1);
  b.ask(true);
  b.take("c", placed{{"a", "b"}, "because"}, b.last_id());
  CHECK(b.farm.troubles.back() == "mine: ");
}

TEST_CASE("only who was asked answers") {
  bench b;
  b.offer("c");
  b.offer("d", "other");
  auto asked = b.ask();
  b.take("d", placed{{"a", "b"}, "because"}, b.last_id());
  CHECK(asked->is_open());
  b.take("c", placed{{"a", "b"}, "because"}, b.last_id() + 1);
  CHECK(asked->is_open());
  b.take("c", placed{{"a", "b"}, "because"}, b.last_id());
  CHECK(asked->value);
}

TEST_CASE("a strategy whose client is lost is not waited for, and is back with its next offer") {
  bench b;
  b.offer("c");
  auto asked = b.ask(true);
  b.tell(b.subject, atom::lost_v, std::string{"c"}, std::string{"it fell silent"});
  REQUIRE(asked->value);
  CHECK((**asked->value).reason
        == "where they were, for strategy mine was lost while it was asked: it fell silent");
  CHECK(b.ask()->error);
  CHECK(b.ask(true)->value);
  CHECK(b.farm.troubles.back() == "mine: nobody offers strategy mine");
  b.offer("e");
  CHECK(b.farm.troubles.back() == "mine: ");
  CHECK(b.ask()->is_open());
}

TEST_CASE("the newest offer of a name counts, and the client before is told") {
  bench b;
  b.offer("c");
  auto asked = b.ask();
  b.take("d", offer_strategy{"mine"});
  CHECK(asked->error);
  CHECK(b.out.of<refusal>("c").size() == 1);
  b.tell(b.subject, atom::lost_v, std::string{"c"}, std::string{"it fell silent"});
  CHECK(b.ask()->is_open());
  CHECK(b.out.of<place>("d").size() == 1);
}

TEST_CASE("a name that deploy.yaml could not have, or that the server has itself, is refused") {
  bench b;
  for (const auto* each : {"", "Mine", "my own", "-mine", "spread", "pinned"}) {
    CAPTURE(each);
    b.out.all.clear();
    b.take("c", offer_strategy{each}, 9);
    REQUIRE(b.out.of<refusal>("c").size() == 1);
    CHECK(b.out.all[0].envelope->id == 9);
  }
}

TEST_CASE("where nothing is missing nobody is asked") {
  bench b;
  placement_request request{"shop/web/web", {}, {{"a"}}, {}};
  request.app.strategy = "mine";
  request.app.instances = 1;
  request.candidates[0].own = 1;
  auto asked = b.actors_bench::ask<placement_ptr>(
    b.subject, atom::place_v,
    placement_request_ptr{std::make_shared<const placement_request>(std::move(request))});
  REQUIRE(asked->value);
  CHECK((**asked->value).add.empty());
}
