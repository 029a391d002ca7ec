#include "agent/decisions/record_keeping.hpp"

#include <doctest/doctest.h>

using namespace deployminator::agent;
using namespace deployminator::messages;

namespace {

using message_ptr = std::shared_ptr<const envelope>;

template <class Body>
message_ptr enveloped(Body body) {
  return std::make_shared<const envelope>(envelope{1, 1, std::move(body)});
}

message_ptr assignment_of(std::uint64_t generation) {
  assignment out;
  out.generation = generation;
  return enveloped(std::move(out));
}

spec_ptr order_of(const std::string& id) {
  instance_spec out;
  out.id = id;
  return std::make_shared<const instance_spec>(out);
}

/// An assignment of these instances.
record_order next(std::uint64_t generation, const std::vector<std::string>& ids,
                  std::uint64_t epoch = 0) {
  record_order out;
  out.held.generation = generation;
  out.epoch = epoch;
  for (const auto& id : ids)
    out.held.specs[id] = order_of(id);
  return out;
}

observation last_of(const std::string& id) {
  observation out;
  out.id = id;
  return out;
}

/// That of an agent that holds generation 1 with the instance `a`.
record_keeping settled() {
  agent_record memory;
  memory.identity = "me";
  memory.epoch = 7;
  memory.generation = 1;
  memory.specs = {*order_of("a")};
  return record_keeping{memory};
}

} // namespace

TEST_CASE("what an earlier agent wrote is held") {
  auto record = settled();
  CHECK(record.identity() == "me");
  CHECK(record.epoch() == 7);
  CHECK(record.held().generation == 1);
  CHECK(record.held().specs.contains("a"));
  CHECK(record.content() == nullptr);
}

TEST_CASE("what is to be held is held when it is on disk, and not before") {
  auto record = settled();
  auto order = next(2, {"b"}, 9);
  order.leaving = {*order_of("a")};
  order.removed = {"a", "x"};
  record.begin(order);
  REQUIRE(record.content());
  CHECK(*record.content()
        == agent_record{"me", 9, "", 2, {*order_of("b")}, {*order_of("a")}, DEPLOYMINATOR_VERSION});
  CHECK(record.wanted().contains("b"));
  CHECK(record.held().generation == 1);
  CHECK(record.epoch() == 7);
  auto outcome = record.finish();
  CHECK(outcome.is_assignment);
  CHECK_FALSE(outcome.is_first);
  CHECK(outcome.removed == std::vector<std::string>{"a", "x"});
  CHECK(record.held().generation == 2);
  CHECK(record.held().specs.contains("b"));
  CHECK(record.epoch() == 9);
  CHECK(record.content() == nullptr);
}

TEST_CASE("the first assignment is told apart, and a record of the epoch alone is none") {
  record_keeping record;
  record.identify("new");
  record.begin(next(0, {}));
  CHECK(record.content()->identity == "new");
  CHECK(record.identity().empty());
  CHECK_FALSE(record.finish().is_assignment);
  CHECK(record.identity() == "new");
  record.begin(next(1, {}, 3));
  auto first = record.finish();
  CHECK(first.is_assignment);
  CHECK(first.is_first);
  record.begin(next(1, {}, 4));
  CHECK_FALSE(record.finish().is_assignment);
  CHECK(record.epoch() == 4);
}

TEST_CASE("no record has a lower epoch than one before") {
  auto record = settled();
  record.begin(next(2, {}, 3));
  CHECK(record.content()->epoch == 7);
  record.finish();
  CHECK(record.epoch() == 7);
}

TEST_CASE("a record that cannot be written is tried again until it can") {
  auto record = settled();
  record.begin(next(2, {"b"}));
  CHECK_FALSE(record.take_retry());
  CHECK(record.fail("full"));
  CHECK(record.take_retry());
  CHECK_FALSE(record.take_retry());
  CHECK(record.fail("full"));
  CHECK(record.take_retry());
  CHECK(record.finish().is_assignment);
}

TEST_CASE("what replaces it needs no other retry than the one that is due") {
  auto record = settled();
  record.begin(next(2, {"b"}));
  CHECK(record.fail("full"));
  record.begin(next(3, {"c"}));
  CHECK_FALSE(record.fail("full"));
  CHECK(record.take_retry());
  CHECK(record.content()->generation == 3);
}

TEST_CASE("messages wait while a record is written, and come in their order") {
  auto record = settled();
  auto one = enveloped(heartbeat{});
  auto two = assignment_of(3);
  record.begin(next(2, {}));
  record.wait(one);
  record.wait(two);
  CHECK(record.take_message() == nullptr);
  record.finish();
  CHECK(record.take_message() == one);
  CHECK(record.take_message() == two);
  CHECK(record.take_message() == nullptr);
}

TEST_CASE("no message waits for a record that cannot be written, but while that is tried") {
  auto record = settled();
  auto other = enveloped(heartbeat{});
  auto newer = assignment_of(3);
  record.begin(next(2, {}));
  record.wait(other);
  record.wait(newer);
  record.fail("full");
  CHECK(record.take_message() == other);
  CHECK(record.take_message() == newer);
  CHECK(record.take_message() == nullptr);
  record.take_retry();
  record.wait(newer);
  CHECK(record.take_message() == nullptr);
  record.finish();
  CHECK(record.take_message() == newer);
}

TEST_CASE("what a record that cannot be written holds up is told") {
  auto record = settled();
  std::map<std::string, observation> seen{{"a", last_of("a")}};
  auto told = [&] {
    std::map<std::string, observation> out;
    for (auto& each : record.held_up([&](const std::string& id) {
           auto found = seen.find(id);
           return found == seen.end() ? nullptr : &found->second;
         }))
      out[each.id] = each;
    return out;
  };
  SUBCASE("those that should be there, and those that should start, have failed") {
    auto order = next(2, {"a", "b"});
    auto start = *order.held.specs["a"];
    start.goal = instance_goal::run;
    order.held.specs["a"] = std::make_shared<const instance_spec>(start);
    seen["a"].uid = 1'000;
    record.begin(order);
    CHECK(told().empty());
    record.fail("full");
    CHECK(told().size() == 2);
    CHECK(told()["a"].state == instance_state::failed);
    CHECK(told()["a"].uid == 1'000);
    CHECK(told()["a"].reason
          == "is to start, which its machine cannot note (see `deploy machines`): full");
    CHECK(told()["b"].state == instance_state::failed);
    CHECK(told()["b"].reason
          == "is to be there, which its machine cannot note (see `deploy machines`): full");
    record.take_retry();
    CHECK(told().size() == 2);
    record.finish();
    CHECK(told().empty());
  }
  SUBCASE("those that should be gone are stuck, whether they ever began or not") {
    auto order = next(2, {});
    order.removed = {"a", "b"};
    record.begin(order);
    record.fail("full");
    CHECK(told().size() == 1);
    CHECK(told()["b"].reason
          == "nothing of it is there, which its machine cannot note (see `deploy machines`): full");
    CHECK(told()["b"].state == instance_state::stopping);
    CHECK(told()["b"].stuck);
    auto last = last_of("a");
    last.state = instance_state::stopped;
    REQUIRE(record.keep_back(last));
    CHECK(told()["a"].reason
          == "has stopped, which its machine cannot note (see `deploy machines`): full");
    CHECK(told()["a"].state == instance_state::stopping);
    CHECK(told()["a"].stuck);
  }
}

TEST_CASE("what waits ends with its session") {
  auto record = settled();
  record.wait(assignment_of(2));
  record.drop_waiting();
  CHECK(record.take_message() == nullptr);
}

TEST_CASE("more messages than are good for the memory are dropped") {
  auto record = settled();
  record.begin(next(2, {}));
  for (int i = 0; i < 1'000; ++i)
    record.wait(enveloped(heartbeat{}));
  record.finish();
  int kept = 0;
  while (record.take_message())
    ++kept;
  CHECK(kept == 256);
}

TEST_CASE("a higher epoch must be on disk before a message of it is worked on") {
  auto record = settled();
  CHECK_FALSE(record.must_note(8, ""));
  record.wait(assignment_of(2));
  CHECK_FALSE(record.must_note(7, ""));
  CHECK(record.must_note(8, ""));
  record.begin(next(1, {"a"}, 8));
  CHECK_FALSE(record.must_note(8, ""));
  record.fail("full");
  CHECK_FALSE(record.must_note(8, ""));
  record.finish();
  CHECK_FALSE(record.must_note(8, ""));
}

TEST_CASE("the store that is obeyed must be on disk before a message of its server is worked on") {
  auto record = settled();
  record.wait(assignment_of(2));
  CHECK(record.must_note(7, "the-store"));
  auto order = next(1, {"a"}, 7);
  order.store = "the-store";
  record.begin(order);
  CHECK(record.content()->store == "the-store");
  record.finish();
  CHECK(record.store() == "the-store");
  CHECK_FALSE(record.must_note(7, "the-store"));
}

TEST_CASE("the end of an instance that is held is kept back until the record is on disk") {
  auto record = settled();
  CHECK_FALSE(record.keep_back(last_of("a")));
  record.begin(next(2, {}));
  CHECK_FALSE(record.keep_back(last_of("stranger")));
  CHECK(record.keep_back(last_of("a")));
  record.fail("full");
  record.take_retry();
  auto outcome = record.finish();
  REQUIRE(outcome.gone.size() == 1);
  CHECK(outcome.gone[0].id == "a");
  record.begin(next(3, {}));
  CHECK(record.finish().gone.empty());
}
