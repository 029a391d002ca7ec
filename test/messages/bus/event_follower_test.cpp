#include "messages/bus/event_follower.hpp"

#include <doctest/doctest.h>

#include <rapidcheck.h>

using namespace deployminator::bus;
using namespace deployminator::messages;
using std::chrono::milliseconds;

namespace {

const time_point follow_start{std::chrono::hours{5}};

event numbered(std::uint64_t seq) {
  event e;
  e.seq = seq;
  e.what = rollout_step{std::to_string(seq), ""};
  return e;
}

std::vector<event> events_from_to(std::uint64_t first, std::uint64_t last) {
  std::vector<event> list;
  for (auto seq = first; seq <= last; ++seq)
    list.push_back(numbered(seq));
  return list;
}

envelope batch(std::uint64_t first, std::uint64_t last, std::uint64_t epoch = 0) {
  return {0, epoch, events{events_from_to(first, last)}};
}

envelope heartbeat_with(std::uint64_t seq, std::uint64_t epoch = 0) {
  return {0, epoch, last_event{seq}};
}

std::vector<std::uint64_t> numbers_of(const follow_step& step) {
  std::vector<std::uint64_t> out;
  for (const auto& each : step.events)
    out.push_back(each.seq);
  return out;
}

using numbers = std::vector<std::uint64_t>;

} // namespace

TEST_CASE("what follows the snapshot is given out as it comes") {
  event_follower f{follow_start, 4};
  auto step = f.published(follow_start, batch(5, 7));
  CHECK(numbers_of(step) == numbers{5, 6, 7});
  CHECK_FALSE(step.ask_after);
  CHECK(f.seq() == 7);
}

TEST_CASE("what the snapshot includes, or was seen already, is left out") {
  event_follower f{follow_start, 4};
  CHECK(numbers_of(f.published(follow_start, batch(2, 5))) == numbers{5});
  CHECK(numbers_of(f.published(follow_start, batch(2, 5))).empty());
}

TEST_CASE("a gap is asked for once and filled before what follows it") {
  event_follower f{follow_start, 4};
  auto step = f.published(follow_start, batch(7, 8));
  CHECK(numbers_of(step).empty());
  CHECK(step.ask_after == 4);
  CHECK_FALSE(f.published(follow_start, batch(9, 9)).ask_after);
  step = f.answered(follow_start, 0, {events_from_to(5, 8), 8});
  CHECK(numbers_of(step) == numbers{5, 6, 7, 8, 9});
  CHECK_FALSE(step.ask_after);
}

TEST_CASE("the last event is missed when the heartbeat is ahead") {
  event_follower f{follow_start, 4};
  CHECK(f.published(follow_start, heartbeat_with(6)).ask_after == 4);
  CHECK(numbers_of(f.answered(follow_start, 0, {events_from_to(5, 6), 6})) == numbers{5, 6});
  CHECK_FALSE(f.published(follow_start, heartbeat_with(6)).ask_after);
}

TEST_CASE("an answer that is not all is asked on") {
  event_follower f{follow_start, 0};
  CHECK(f.subscribed(follow_start).ask_after == 0);
  CHECK(f.answered(follow_start, 0, {events_from_to(1, 3), 5}).ask_after == 3);
  CHECK_FALSE(f.answered(follow_start, 0, {events_from_to(4, 5), 5}).ask_after);
}

TEST_CASE("a question without an answer is asked again") {
  event_follower f{follow_start, 4};
  REQUIRE(f.published(follow_start, heartbeat_with(6)).ask_after);
  CHECK(f.next_wake() == follow_start + milliseconds{2000});
  CHECK_FALSE(f.tick(follow_start + milliseconds{1999}).ask_after);
  CHECK(f.tick(follow_start + milliseconds{2000}).ask_after == 4);
}

TEST_CASE("three seconds of silence call for a new subscription, and again three later") {
  event_follower f{follow_start, 4};
  CHECK(f.next_wake() == follow_start + milliseconds{3000});
  CHECK_FALSE(f.tick(follow_start + milliseconds{2999}).resubscribe);
  CHECK(f.tick(follow_start + milliseconds{3000}).resubscribe);
  CHECK_FALSE(f.tick(follow_start + milliseconds{5999}).resubscribe);
  CHECK(f.tick(follow_start + milliseconds{6000}).resubscribe);
  CHECK(f.subscribed(follow_start + milliseconds{6001}).ask_after == 4);
}

TEST_CASE("a heartbeat that an answer has overtaken is no reason to start over") {
  event_follower f{follow_start, 4};
  f.published(follow_start, heartbeat_with(6));
  f.answered(follow_start, 0, {events_from_to(5, 8), 8});
  auto step = f.published(follow_start, heartbeat_with(7));
  CHECK(step.ask_after == 8);
  CHECK_FALSE(f.answered(follow_start, 0, {{}, 8}).start_over);
}

TEST_CASE("numbers that went back call for a new snapshot") {
  event_follower f{follow_start, 40};
  CHECK(f.published(follow_start, heartbeat_with(3)).ask_after == 40);
  CHECK(f.answered(follow_start, 0, {{}, 3}).start_over);
}

TEST_CASE("events that the server has dropped before they were seen call for a new snapshot") {
  event_follower f{follow_start, 40};
  REQUIRE(f.published(follow_start, heartbeat_with(90)).ask_after == 40);
  CHECK(f.answered(follow_start, 0, {events_from_to(80, 90), 90}).start_over);
  event_follower g{follow_start, 40};
  REQUIRE(g.published(follow_start, heartbeat_with(90)).ask_after == 40);
  CHECK(g.answered(follow_start, 0, {{}, 90}).start_over);
}

TEST_CASE("what a server answers that another has taken over from is no answer") {
  event_follower f{follow_start, 4, 1};
  CHECK(numbers_of(f.published(follow_start, batch(5, 6, 2))) == numbers{5, 6});
  REQUIRE(f.subscribed(follow_start).ask_after == 6);
  auto early = f.answered(follow_start, 1, {{}, 4});
  CHECK_FALSE(early.start_over);
  CHECK(f.tick(follow_start + ask_again_after).ask_after == 6);
  CHECK_FALSE(f.answered(follow_start + ask_again_after, 2, {{}, 6}).start_over);
}

TEST_CASE("a stale server is neither heard nor a sign of life") {
  event_follower f{follow_start, 4, 2};
  CHECK(f.published(follow_start + milliseconds{2000}, batch(5, 6, 1)).events.empty());
  CHECK(f.tick(follow_start + milliseconds{3000}).resubscribe);
  CHECK(numbers_of(f.published(follow_start, batch(5, 6, 3))) == numbers{5, 6});
  CHECK(f.published(follow_start, batch(7, 7, 2)).events.empty());
}

TEST_CASE("events without a number pass at once") {
  event_follower f{follow_start, 4};
  f.published(follow_start, heartbeat_with(9));
  CHECK(numbers_of(f.published(follow_start, batch(0, 0))) == numbers{0});
  CHECK(f.seq() == 4);
}

TEST_CASE("more early events than are kept are asked for when their turn comes") {
  event_follower f{follow_start, 0};
  REQUIRE(f.published(follow_start, batch(2, 15'000)).ask_after == 0);
  auto step = f.answered(follow_start, 0, {events_from_to(1, 1), 15'000});
  CHECK(step.events.size() == 10'001);
  CHECK(step.ask_after == 10'001);
  CHECK(numbers_of(f.answered(follow_start, 0, {events_from_to(10'002, 15'000), 15'000})).size()
        == 4'999);
}

namespace {

/// A server with a last event, and the network between it and one follower, which loses, doubles
/// and reorders what is published, and loses answers.
struct lossy_world {
  std::uint64_t last;
  bool answers_get_lost = true;
  time_point now = follow_start;
  std::vector<envelope> on_the_way;
  std::vector<std::uint64_t> shown;

  void publish() {
    auto first = last + 1;
    last += *rc::gen::inRange<std::uint64_t>(1, 5);
    on_the_way.push_back(batch(first, last));
  }

  void carry_out(event_follower& f, follow_step step) {
    for (; true; step = f.answered(now, 0, page_after(*step.ask_after))) {
      RC_ASSERT(!step.start_over);
      for (const auto& each : step.events)
        shown.push_back(each.seq);
      if (!step.ask_after || (answers_get_lost && *rc::gen::inRange(0, 4) == 0))
        return;
      if (answers_get_lost && *rc::gen::arbitrary<bool>())
        publish();
    }
  }

  event_page page_after(std::uint64_t seq) const {
    auto page_end = seq + *rc::gen::inRange<std::uint64_t>(1, 8);
    return {events_from_to(seq + 1, std::min(page_end, last)), last};
  }

  void deliver_one(event_follower& f) {
    if (on_the_way.empty())
      return;
    auto at = on_the_way.begin() + *rc::gen::inRange<long>(0, std::ssize(on_the_way));
    auto message = *at;
    auto fate = *rc::gen::inRange(0, 4);
    if (fate != 0)
      on_the_way.erase(at);
    if (fate != 1)
      carry_out(f, f.published(now, message));
  }
};

} // namespace

TEST_CASE("through loss, doubling and reordering every event is shown once and in order") {
  CHECK(rc::check([] {
    auto snapshot = *rc::gen::inRange<std::uint64_t>(0, 10);
    lossy_world world{snapshot + *rc::gen::inRange<std::uint64_t>(0, 5)};
    event_follower f{follow_start, snapshot};
    for (auto steps = *rc::gen::inRange(0, 60); steps > 0; --steps) {
      world.now += milliseconds{*rc::gen::inRange(0, 700)};
      switch (*rc::gen::inRange(0, 4)) {
        case 0:
          world.publish();
          break;
        case 1:
          world.on_the_way.push_back(heartbeat_with(world.last));
          break;
        case 2:
          world.carry_out(f, f.tick(world.now));
          break;
        default:
          world.deliver_one(f);
      }
    }
    world.answers_get_lost = false;
    world.now += ask_again_after;
    world.carry_out(f, f.tick(world.now));
    world.carry_out(f, f.published(world.now, heartbeat_with(world.last)));
    RC_ASSERT(f.seq() == world.last);
    std::vector<std::uint64_t> all;
    for (auto seq = snapshot + 1; seq <= world.last; ++seq)
      all.push_back(seq);
    RC_ASSERT(world.shown == all);
  }));
}

TEST_CASE("who may not listen asks again and again, and sees his part of the events") {
  event_follower f{follow_start, 4};
  CHECK(f.by_asking(follow_start).ask_after == 4);
  event_page page{events_from_to(6, 6), 9, 7};
  auto step = f.answered(follow_start, 0, page);
  CHECK(numbers_of(step) == numbers{6});
  CHECK(f.seq() == 7);
  // There is more.
  CHECK(step.ask_after == 7);
  step = f.answered(follow_start, 0, {{}, 9, 9});
  CHECK_FALSE(step.ask_after);
  CHECK_FALSE(step.start_over);
  CHECK(f.seq() == 9);
  auto due = f.next_wake();
  CHECK(due == follow_start + between_questions);
  step = f.tick(due);
  CHECK(step.ask_after == 9);
  CHECK_FALSE(step.resubscribe);
  CHECK_FALSE(f.tick(due + milliseconds{100}).ask_after);
  CHECK(f.tick(due + ask_again_after).ask_after == 9);
}
