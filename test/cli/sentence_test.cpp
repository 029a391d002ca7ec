#include "cli/sentence.hpp"
#include "messages/codec.hpp"

#include <doctest/doctest.h>

using namespace deployminator;
using namespace deployminator::cli;
using messages::instance_state;

namespace {

const canvas plain{.width = 0};

std::string said(messages::event::content what, const canvas& c = plain) {
  return rendered(sentence_of({1, {1'000'000}, "shop", "web", 12, std::move(what)}, c),
                  {.width = 0});
}

messages::download_progress fetch(std::uint64_t bytes) {
  return {"w1", "http://x/y/web.tar.gz", {"web-1"}, bytes, 20'971'520, 4'194'304, 2};
}

} // namespace

TEST_CASE("a download is told with its rate and the time that is left, and a bar where one fits") {
  CHECK(said(fetch(12'897'485)) == "w1  12.3/20.0 MiB  4.0 MiB/s  ETA 2s  web.tar.gz");
  CHECK(said(fetch(10'485'760), {.width = 40, .rich = true})
        == "w1  10.0/20.0 MiB  4.0 MiB/s  ETA 2s  web.tar.gz");
  CHECK(said(fetch(10'485'760), {.width = 0, .rich = true})
        == "w1  ████████░░░░░░░░ 10.0/20.0 MiB  4.0 MiB/s  ETA 2s  web.tar.gz");
}

TEST_CASE("a download of unknown size is told without a bar and an end") {
  messages::download_progress p{"w1", "/srv/web", {}, 2048, std::nullopt, 1024, std::nullopt};
  CHECK(said(p, {.width = 0, .rich = true}) == "w1  2.0 KiB  1.0 KiB/s  web");
}

TEST_CASE("an instance that serves is told with its ports, one that failed with the reason") {
  messages::instance_change c{.id = "web-1", .machine = "w1", .to = instance_state::ready};
  c.ports = {4100};
  CHECK(said(c) == "w1  web-1  ready :4100");
  c.to = instance_state::failed;
  c.exit = 3;
  c.reason = "ended by itself";
  CHECK(said(c) == "w1  web-1  failed: ended by itself; its log: deploy logs web-1");
  c.reason.clear();
  CHECK(said(c) == "w1  web-1  failed (exit 3); its log: deploy logs web-1");
  c.exit.reset();
  c.reason = "cannot fetch it";
  CHECK(said(c) == "w1  web-1  failed: cannot fetch it");
}

TEST_CASE("decisions are told with their reasons") {
  CHECK(said(messages::rollout_step{"placed", "2 on w1"}) == "placed: 2 on w1");
  CHECK(said(messages::rollout_finished{messages::rollout_outcome::reverted, "b"})
        == "reverted: b");
  CHECK(said(messages::machine_change{
          .machine = "w1", .to = messages::machine_state::unreachable, .reason = "silent for 4 s"})
        == "w1  machine unreachable: silent for 4 s; `deploy machines` says what to do");
}

TEST_CASE("a public port is told with where it leads and why") {
  messages::port_change c{"w1", 80, "front", "web-1", "web-2", 4101, "the newest"};
  CHECK(said(c) == "w1  port 80  to web-2 :4101: the newest");
  c.to.clear();
  c.reason = "no instance matches";
  CHECK(said(c) == "w1  port 80  leads nowhere: no instance matches");
  CHECK(said(messages::port_problem{"w1", "nft"}) == "w1  public ports: nft");
  CHECK(said(messages::trouble_change{"w1", "the disk is full", {1}, "make room"})
        == "w1  the disk is full: make room");
  CHECK(said(messages::trouble_change{"w1", "the disk is full", {1}, "make room", true})
        == "w1  the disk is full: that is over");
  CHECK(said(messages::trouble_change{"", "nothing can be stored", {1}, "make room"})
        == "the server  nothing can be stored: make room");
  CHECK(said(messages::port_problem{"w1", ""}) == "w1  public ports are right again");
}

TEST_CASE("nothing of an event can move a terminal's cursor") {
  CHECK(said(messages::rollout_step{"placed", "\x1b[2J"}) == "placed: \\x1b[2J");
}

TEST_CASE("in lists an event has its time, group and version") {
  messages::event e{1, {1'000'000}, "shop", "web", 12, messages::rollout_step{"placed", "so"}};
  CHECK(rendered(dated_sentence_of(e, plain), plain)
        == "1970-01-01 00:00:01 UTC  shop/web v12  placed: so");
}

TEST_CASE("of a download only each quarter is worth a line of its own") {
  narrator n;
  int told = 0;
  for (std::uint64_t bytes = 20'971'520 / 40; bytes <= 20'971'520; bytes += 20'971'520 / 40)
    told += n.worth_telling({1, {1}, "shop", "web", 12, fetch(bytes)}) ? 1 : 0;
  CHECK(told == 5);
  CHECK(n.worth_telling({1, {1}, "shop", "web", 12, messages::rollout_step{}}));
}

TEST_CASE("an instance is not told of twice in the same words") {
  narrator n;
  messages::instance_change c{.id = "web-1", .machine = "w1", .to = instance_state::stopping};
  c.reason = "told to stop";
  CHECK(n.worth_telling({1, {1}, "shop", "web", 12, c}));
  c.from = instance_state::stopping;
  c.exit = 143;
  CHECK_FALSE(n.worth_telling({2, {1}, "shop", "web", 12, c}));
  c.id = "web-2";
  CHECK(n.worth_telling({3, {1}, "shop", "web", 12, c}));
}

TEST_CASE("what a newer server tells of is told as it came") {
  messages::event e{1, {1'000'000}, "", "", 0, messages::other_event{"weather.changed", {}}};
  std::get<messages::other_event>(e.what).keys
    = messages::to_bytes(std::map<std::string, std::string>{{"wind", "north\n"}});
  CHECK(rendered(sentence_of(e, plain), plain) == "weather.changed  {\"wind\":\"north\\n\"}");
}
