#include "messages/bus/session.hpp"

#include <doctest/doctest.h>

#include <rapidcheck.h>

using namespace deployminator::bus;
using namespace deployminator::messages;
using std::chrono::milliseconds;

namespace {

const time_point start{std::chrono::hours{5}};

envelope from_server(message body, std::uint64_t epoch = 1) {
  return {0, epoch, std::move(body)};
}

/// A session that was welcomed at `start` by a server with epoch 1.
client_session opened_session() {
  client_session s;
  REQUIRE(s.tick(start, 0.5).send_hello);
  REQUIRE(s.arrived(start, from_server(welcome{}), 0.5).opened);
  return s;
}

} // namespace

TEST_CASE("a client says hello at its first tick, on the socket it has") {
  client_session s;
  CHECK(s.next_wake() <= start);
  auto step = s.tick(start, 0.5);
  CHECK(step.send_hello);
  CHECK_FALSE(step.reopen);
  CHECK_FALSE(step.lost);
  CHECK_FALSE(s.is_open());
}

TEST_CASE("hello is repeated with waits that double up to two seconds") {
  client_session s;
  s.tick(start, 0.5);
  auto now = start;
  for (auto wait : {20, 40, 80, 160, 320, 640, 1280}) {
    CHECK(s.next_wake() == now + milliseconds{wait});
    CHECK_FALSE(s.tick(s.next_wake() - milliseconds{1}, 0.5).send_hello);
    now = s.next_wake();
    CHECK(s.tick(now, 0.5).send_hello);
  }
}

TEST_CASE("a server that does not answer for four seconds gets a new connection") {
  client_session s;
  s.tick(start, 0.5);
  CHECK_FALSE(s.tick(start + milliseconds{3999}, 0.5).reopen);
  auto step = s.tick(start + milliseconds{4000}, 0.5);
  CHECK(step.reopen);
  CHECK(step.send_hello);
  CHECK_FALSE(step.lost);
  CHECK(s.next_wake() == start + milliseconds{4020});
}

TEST_CASE("the welcome opens the session and tells the epoch") {
  client_session s;
  s.tick(start, 0.5);
  auto step = s.arrived(start, from_server(welcome{}, 7), 0.5);
  CHECK(step.opened);
  CHECK_FALSE(step.ignore);
  CHECK(s.is_open());
  CHECK(s.epoch() == 7);
}

TEST_CASE("the welcome to a repeated hello opens nothing twice") {
  auto s = opened_session();
  auto step = s.arrived(start, from_server(welcome{}), 0.5);
  CHECK(step.ignore);
  CHECK_FALSE(step.opened);
}

TEST_CASE("a heartbeat goes out after a second without anything else") {
  auto s = opened_session();
  CHECK(s.next_wake() == start + milliseconds{1000});
  CHECK_FALSE(s.tick(start + milliseconds{999}, 0.5).send_heartbeat);
  s.sent(start + milliseconds{999});
  CHECK_FALSE(s.tick(start + milliseconds{1000}, 0.5).send_heartbeat);
  CHECK(s.tick(start + milliseconds{1999}, 0.5).send_heartbeat);
  CHECK_FALSE(s.tick(start + milliseconds{2000}, 0.5).send_heartbeat);
}

TEST_CASE("four seconds of silence end the session") {
  auto s = opened_session();
  CHECK_FALSE(s.tick(start + milliseconds{3999}, 0.5).lost);
  auto step = s.tick(start + milliseconds{4000}, 0.5);
  CHECK(step.lost);
  CHECK(step.reopen);
  CHECK(step.send_hello);
  CHECK_FALSE(s.is_open());
}

TEST_CASE("anything that is heard keeps the session") {
  auto s = opened_session();
  CHECK_FALSE(s.arrived(start + milliseconds{3000}, from_server(heartbeat{}), 0.5).ignore);
  CHECK_FALSE(s.tick(start + milliseconds{6999}, 0.5).lost);
  CHECK(s.tick(start + milliseconds{7000}, 0.5).lost);
}

TEST_CASE("a server that does not know us any more gets another hello at once") {
  auto s = opened_session();
  auto step = s.arrived(start, from_server(unknown_peer{}), 0.5);
  CHECK(step.lost);
  CHECK(step.send_hello);
  CHECK(step.ignore);
  CHECK_FALSE(step.reopen);
  // The answers to what we sent before are of no interest.
  auto again = s.arrived(start, from_server(unknown_peer{}), 0.5);
  CHECK_FALSE(again.lost);
  CHECK_FALSE(again.send_hello);
  CHECK(s.arrived(start, from_server(welcome{}), 0.5).opened);
}

TEST_CASE("a message of a higher epoch ends the session") {
  auto s = opened_session();
  auto step = s.arrived(start, from_server(heartbeat{}, 2), 0.5);
  CHECK(step.lost);
  CHECK(step.send_hello);
  CHECK(step.ignore);
  // Whoever it is, only a welcome makes its epoch ours.
  CHECK(s.epoch() == 1);
  CHECK(s.arrived(start, from_server(welcome{}, 2), 0.5).opened);
  CHECK(s.epoch() == 2);
}

TEST_CASE("the first store is obeyed, and no other, however high its epoch") {
  client_session s{0, ""};
  s.tick(start, 0.5);
  welcome first;
  first.store = "a";
  CHECK(s.arrived(start, from_server(first), 0.5).opened);
  CHECK(s.store() == "a");
  client_session later{s.epoch(), s.store()};
  later.tick(start, 0.5);
  welcome other;
  other.store = "b";
  auto step = later.arrived(start, from_server(other, std::uint64_t{1} << 62), 0.5);
  CHECK_FALSE(step.opened);
  CHECK(step.rejected);
  CHECK(later.epoch() == 1);
  CHECK(later.arrived(start, from_server(first, 3), 0.5).opened);
}

TEST_CASE("who is bound to no store takes any") {
  client_session s{0};
  s.tick(start, 0.5);
  welcome first;
  first.store = "a";
  CHECK(s.arrived(start, from_server(first), 0.5).opened);
  CHECK(s.store().empty());
}

TEST_CASE("a message of a lower epoch is ignored and is no sign of life") {
  client_session s{5};
  s.tick(start, 0.5);
  REQUIRE(s.arrived(start, from_server(welcome{}, 5), 0.5).opened);
  CHECK(s.arrived(start + milliseconds{3999}, from_server(heartbeat{}, 4), 0.5).ignore);
  CHECK(s.arrived(start + milliseconds{3999}, from_server(assignment{}, 0), 0.5).ignore);
  CHECK(s.tick(start + milliseconds{4000}, 0.5).lost);
}

TEST_CASE("a refusal of unreadable bytes needs no epoch") {
  auto s = opened_session();
  CHECK_FALSE(s.arrived(start, from_server(refusal{}, 0), 0.5).ignore);
}

TEST_CASE("a stale server is not obeyed") {
  client_session s{9};
  s.tick(start, 0.5);
  auto step = s.arrived(start, from_server(welcome{}, 8), 0.5);
  REQUIRE(step.rejected);
  CHECK(step.rejected->code == failure_code::refused);
  CHECK(step.rejected->message
        == "the server has epoch 8, but one with epoch 9 has taken over from it");
  CHECK(step.ignore);
  CHECK_FALSE(step.opened);
  CHECK_FALSE(s.is_open());
  CHECK(s.epoch() == 9);
}

TEST_CASE("from a server that stands by one goes to the next at once, and more slowly after many") {
  client_session s;
  s.tick(start, 0.5);
  auto now = start;
  for (auto wait : {0, 100, 200, 400, 800, 1000, 1000}) {
    auto step = s.arrived(
      now, from_server(refusal{{failure_code::unreachable, "waits", ""}, true}, 0), 0.5);
    CHECK(step.ignore);
    CHECK_FALSE(step.rejected);
    REQUIRE(step.stands_by);
    CHECK(step.stands_by->message == "waits");
    CHECK(s.next_wake() == now + milliseconds{wait});
    now = s.next_wake();
    step = s.tick(now, 0.5);
    CHECK(step.reopen);
    CHECK(step.send_hello);
  }
  REQUIRE(s.arrived(now, from_server(welcome{}), 0.5).opened);
}

TEST_CASE("a server that led and stands by now has no session any more") {
  auto s = opened_session();
  auto step = s.arrived(start, from_server(refusal{{}, true}, 0), 0.5);
  CHECK(step.lost);
  CHECK(step.send_hello);
  CHECK_FALSE(s.is_open());
}

TEST_CASE("where there are several servers one that does not answer is left sooner") {
  client_session s{0, {}, next_server_after};
  s.tick(start, 0.5);
  CHECK_FALSE(s.tick(start + milliseconds{1999}, 0.5).reopen);
  CHECK(s.tick(start + milliseconds{2000}, 0.5).reopen);
}

TEST_CASE("a server that speaks another version is not understood") {
  client_session s;
  s.tick(start, 0.5);
  auto step = s.arrived(start, from_server(welcome{.version = highest_protocol + 1}), 0.5);
  REQUIRE(step.rejected);
  CHECK(step.rejected->code == failure_code::version);
  CHECK_FALSE(s.is_open());
}

TEST_CASE("a refused hello is passed on and tried again slowly") {
  client_session s;
  s.tick(start, 0.5);
  failure why{failure_code::version, "too old", "upgrade"};
  auto step = s.arrived(start, from_server(refusal{why}), 0.5);
  REQUIRE(step.rejected);
  CHECK(*step.rejected == why);
  CHECK(s.next_wake() == start + milliseconds{2000});
  CHECK(s.tick(start + milliseconds{2000}, 0.5).send_hello);
}

TEST_CASE("nothing but the answer to hello counts before the session") {
  client_session s;
  s.tick(start, 0.5);
  CHECK(s.arrived(start, from_server(heartbeat{}), 0.5).ignore);
  CHECK(s.arrived(start, from_server(assignment{}), 0.5).ignore);
  CHECK_FALSE(s.is_open());
}

TEST_CASE("a server that is heard before its welcome is waited for, on the same connection") {
  client_session s;
  s.tick(start, 0.5);
  auto now = start;
  for (int second = 1; second <= 10; ++second) {
    now = start + std::chrono::seconds{second};
    CHECK(s.arrived(now, from_server(heartbeat{}), 0.5).ignore);
    CHECK_FALSE(s.tick(now, 0.5).reopen);
    CHECK_FALSE(s.is_open());
  }
  CHECK(s.tick(now + milliseconds{4000}, 0.5).reopen);
}

TEST_CASE("a server that has heard the hello is asked again slowly") {
  client_session s;
  s.tick(start, 0.5);
  s.arrived(start + milliseconds{10}, from_server(heartbeat{}), 0.5);
  CHECK(s.next_wake() == start + milliseconds{2010});
  s.arrived(start + milliseconds{500}, from_server(heartbeat{}), 0.5);
  CHECK(s.next_wake() == start + milliseconds{2010});
  CHECK(s.tick(start + milliseconds{2010}, 0.5).send_hello);
}

TEST_CASE("a stale server that is heard before its welcome is not waited for") {
  client_session s;
  s.tick(start, 0.5);
  REQUIRE(s.arrived(start, from_server(welcome{}, 7), 0.5).opened);
  REQUIRE(s.tick(start + milliseconds{4000}, 0.5).lost);
  for (int second = 5; second < 8; ++second)
    s.arrived(start + std::chrono::seconds{second}, from_server(heartbeat{}, 6), 0.5);
  CHECK(s.tick(start + std::chrono::seconds{8}, 0.5).reopen);
}

TEST_CASE("the waits between hellos stay within half and one and a half of their length") {
  CHECK(rc::check([] {
    client_session s;
    auto now = start;
    auto wait = first_hello_wait;
    for (int i = 0; i < 6; ++i) {
      auto random = *rc::gen::inRange(0, 1000) / 1000.0;
      RC_ASSERT(s.tick(now, random).send_hello);
      auto waited = s.next_wake() - now;
      RC_ASSERT(waited >= wait / 2);
      RC_ASSERT(waited <= wait * 3 / 2);
      now = s.next_wake();
      wait *= 2;
    }
  }));
}

namespace {

/// What a server may say at any moment, sensible or not.
envelope any_utterance() {
  auto epoch = *rc::gen::inRange<std::uint64_t>(0, 4);
  switch (*rc::gen::inRange(0, 6)) {
    case 0:
    case 1:
      return from_server(welcome{}, epoch);
    case 2:
      return from_server(unknown_peer{}, epoch);
    case 3:
      return from_server(refusal{}, epoch);
    case 4:
      return from_server(welcome{.version = 9}, epoch);
    default:
      return from_server(heartbeat{}, epoch);
  }
}

} // namespace

TEST_CASE("whatever happens, sessions open and end in turn and the epoch never falls") {
  CHECK(rc::check([] {
    client_session s;
    auto now = start;
    bool open = false;
    for (auto steps = *rc::gen::inRange(0, 60); steps > 0; --steps) {
      now += milliseconds{*rc::gen::inRange(0, 1500)};
      auto before = s.epoch();
      bool ticked = *rc::gen::arbitrary<bool>();
      auto step = ticked ? s.tick(now, 0.5) : s.arrived(now, any_utterance(), 0.5);
      RC_ASSERT(!step.lost || open);
      RC_ASSERT(!step.opened || !open);
      RC_ASSERT(!(step.lost && step.opened));
      open = step.opened || (open && !step.lost);
      RC_ASSERT(s.is_open() == open);
      RC_ASSERT(s.epoch() >= before);
      RC_ASSERT(!step.send_heartbeat || open);
      RC_ASSERT(!step.send_hello || !open);
      RC_ASSERT(!step.reopen || step.send_hello);
      if (ticked)
        RC_ASSERT(s.next_wake() > now);
    }
  }));
}

TEST_CASE("ticked in time, a client is never silent for longer than a second") {
  CHECK(rc::check([] {
    auto s = opened_session();
    auto now = start;
    auto last_sent = start;
    for (int i = 0; i < 40; ++i) {
      auto next_message = now + milliseconds{*rc::gen::inRange(1, 900)};
      while (s.next_wake() <= next_message) {
        auto woken = s.next_wake();
        RC_ASSERT(woken - last_sent <= heartbeat_interval);
        if (s.tick(woken, 0.5).send_heartbeat)
          last_sent = woken;
        RC_ASSERT(s.next_wake() > woken);
      }
      now = next_message;
      s.arrived(now, from_server(heartbeat{}), 0.5);
      if (*rc::gen::arbitrary<bool>()) {
        s.sent(now);
        last_sent = now;
      }
      RC_ASSERT(now - last_sent <= heartbeat_interval);
    }
  }));
}

TEST_CASE("silence always leads to a new connection within four seconds") {
  CHECK(rc::check([] {
    client_session s;
    auto now = start;
    s.tick(now, 0.5);
    for (auto steps = *rc::gen::inRange(0, 20); steps > 0; --steps) {
      now += milliseconds{*rc::gen::inRange(0, 1500)};
      s.arrived(now, any_utterance(), 0.5);
    }
    auto silent_since = now;
    bool was_open = s.is_open();
    client_step step;
    while (!step.reopen) {
      now = std::max(now, s.next_wake());
      RC_ASSERT(now - silent_since <= lost_after);
      step = s.tick(now, 0.99);
      RC_ASSERT(s.next_wake() > now);
    }
    RC_ASSERT(step.lost == was_open);
  }));
}

TEST_CASE("a server loses a peer after four seconds of silence") {
  peer_session s{start};
  CHECK(s.next_wake() == start + milliseconds{1000});
  CHECK(s.tick(start + milliseconds{1000}).send_heartbeat);
  s.arrived(start + milliseconds{1500});
  CHECK_FALSE(s.tick(start + milliseconds{5499}).lost);
  auto step = s.tick(start + milliseconds{5500});
  CHECK(step.lost);
  CHECK_FALSE(step.send_heartbeat);
}

TEST_CASE("a server is silent to a peer for a second at most") {
  peer_session s{start};
  s.sent(start + milliseconds{600});
  CHECK_FALSE(s.tick(start + milliseconds{1599}).send_heartbeat);
  CHECK(s.tick(start + milliseconds{1600}).send_heartbeat);
  CHECK(s.next_wake() == start + milliseconds{2600});
}

TEST_CASE("a server that asks for calm is answered with calm, and given longer") {
  auto s = opened_session();
  CHECK_FALSE(s.heartbeat().calm);
  s.arrived(start + milliseconds{500}, from_server(heartbeat{.time = {}, .calm = true}), 0.5);
  CHECK(s.heartbeat().calm);
  CHECK_FALSE(s.tick(start + milliseconds{1999}, 0.5).send_heartbeat);
  CHECK(s.tick(start + milliseconds{2000}, 0.5).send_heartbeat);
  CHECK_FALSE(s.tick(start + milliseconds{12'499}, 0.5).lost);
  CHECK(s.tick(start + milliseconds{12'500}, 0.5).lost);
  CHECK_FALSE(s.heartbeat().calm);
}

TEST_CASE("a server that takes calm back is expected to speak every second again") {
  auto s = opened_session();
  s.arrived(start + milliseconds{500}, from_server(heartbeat{.time = {}, .calm = true}), 0.5);
  s.arrived(start + milliseconds{4000}, from_server(heartbeat{}), 0.5);
  CHECK_FALSE(s.heartbeat().calm);
  CHECK(s.tick(start + milliseconds{4000}, 0.5).send_heartbeat);
  CHECK(s.tick(start + milliseconds{8000}, 0.5).lost);
}

TEST_CASE("a server speaks less often to none but a peer that keeps the calm pace") {
  peer_session s{start};
  s.want_calm(true);
  CHECK(s.tick(start + milliseconds{1000}).send_heartbeat);
  s.keeps_calm(true);
  s.arrived(start + milliseconds{1500});
  CHECK_FALSE(s.tick(start + milliseconds{4999}).send_heartbeat);
  CHECK(s.tick(start + milliseconds{5000}).send_heartbeat);
  CHECK(s.next_wake() == start + milliseconds{6000});
  CHECK(s.tick(start + milliseconds{6000}).lost);
}

TEST_CASE("a server that wants the usual pace again speaks every second at once") {
  peer_session s{start};
  s.want_calm(true);
  s.keeps_calm(true);
  s.sent(start + milliseconds{3000});
  s.arrived(start + milliseconds{3000});
  s.want_calm(false);
  CHECK(s.tick(start + milliseconds{4000}).send_heartbeat);
  CHECK_FALSE(s.tick(start + milliseconds{7499}).lost);
  CHECK(s.tick(start + milliseconds{7500}).lost);
}

TEST_CASE("two sides that live do not lose each other, whenever calm is wanted") {
  CHECK(rc::check([] {
    auto client = opened_session();
    peer_session server{start};
    bool calm = false;
    for (auto now = start; now < start + std::chrono::seconds{60}; now += milliseconds{250}) {
      if (*rc::gen::inRange(0, 12) == 0)
        calm = !calm;
      server.want_calm(calm);
      auto said = server.tick(now);
      RC_ASSERT(!said.lost);
      if (said.send_heartbeat)
        client.arrived(now, from_server(heartbeat{.time = {}, .calm = calm}), 0.5);
      auto answered = client.tick(now, 0.5);
      RC_ASSERT(!answered.lost);
      if (answered.send_heartbeat) {
        server.keeps_calm(client.heartbeat().calm);
        server.arrived(now);
      }
    }
  }));
}
