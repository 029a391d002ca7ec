#include "agent/decisions/report_ledger.hpp"
#include "messages/codec.hpp"
#include "messages/digest.hpp"

#include <doctest/doctest.h>

#include <rapidcheck.h>

using namespace deployminator::agent;
using namespace deployminator::messages;
using namespace std::chrono_literals;

namespace {

observation seen(const std::string& id, instance_state state = instance_state::running) {
  observation out;
  out.id = id;
  out.state = state;
  return out;
}

constexpr report_ledger::time_point start{1h};

} // namespace

TEST_CASE("a change is reported at once, those that come while it is not confirmed together") {
  report_ledger ledger;
  CHECK_FALSE(ledger.due());
  ledger.see(seen("a"));
  auto first = ledger.take(start);
  REQUIRE(first);
  CHECK(first->revision == 1);
  CHECK_FALSE(first->full);
  CHECK(first->seen.size() == 1);
  ledger.see(seen("b"));
  ledger.see(seen("c"));
  CHECK_FALSE(ledger.take(start + 5ms));
  CHECK(ledger.due() == start + 20ms);
  auto second = ledger.take(start + 20ms);
  REQUIRE(second);
  CHECK(second->seen.size() == 3);
  ledger.confirm(2);
  ledger.see(seen("d"));
  CHECK(ledger.take(start + 21ms));
}

TEST_CASE("a report is repeated until it is confirmed") {
  report_ledger ledger;
  ledger.see(seen("a"));
  ledger.take(start);
  CHECK(ledger.due() == start + 1s);
  auto again = ledger.take(start + 1s);
  REQUIRE(again);
  CHECK(again->revision == 2);
  CHECK(again->seen.size() == 1);
  ledger.confirm(2);
  CHECK_FALSE(ledger.due());
}

TEST_CASE("a confirmation of an older report does not cover later changes") {
  report_ledger ledger;
  ledger.see(seen("a"));
  ledger.take(start);
  ledger.see(seen("a", instance_state::ready));
  ledger.take(start + 20ms);
  ledger.confirm(1);
  REQUIRE(ledger.due());
  auto again = ledger.take(*ledger.due());
  REQUIRE(again->seen.size() == 1);
  CHECK(again->seen[0].state == instance_state::ready);
  ledger.confirm(99);
  CHECK(ledger.due());
}

TEST_CASE("what is gone is told until it is confirmed, then forgotten") {
  report_ledger ledger;
  ledger.see(seen("a"));
  ledger.lose(seen("a", instance_state::stopped));
  auto first = ledger.take(start);
  CHECK(first->seen.empty());
  REQUIRE(first->gone.size() == 1);
  ledger.restart(true);
  auto full = ledger.take(start + 1ms);
  CHECK(full->full);
  CHECK(full->gone.size() == 1);
  ledger.confirm(full->revision);
  ledger.restart(true);
  CHECK(ledger.take(start + 2s)->gone.empty());
}

TEST_CASE("a full report that was asked for is repeated in full, even if there is nothing to say") {
  report_ledger ledger;
  ledger.restart(true);
  CHECK(ledger.take(start)->full);
  auto again = ledger.take(start + 1s);
  REQUIRE(again);
  CHECK(again->full);
  ledger.confirm(again->revision);
  CHECK_FALSE(ledger.due());
}

TEST_CASE("the digest is that of what is there") {
  report_ledger ledger;
  ledger.see(seen("a"));
  ledger.see(seen("b"));
  ledger.lose(seen("b"));
  CHECK(ledger.digest() == digest_of(std::vector{seen("a")}));
}

TEST_CASE("very many changes come in pages that are confirmed one after the other") {
  report_ledger ledger;
  for (int i = 0; i < 1'000; ++i) {
    auto each = seen("i" + std::to_string(i), instance_state::failed);
    each.output.assign(4096, 'x');
    ledger.see(each);
  }
  std::size_t told = 0;
  auto now = start;
  for (int pages = 0; pages < 20 && ledger.due(); ++pages) {
    now += 20ms;
    auto page = ledger.take(now);
    REQUIRE(page);
    CHECK(to_bytes(*page).size() < max_message_bytes / 2);
    CHECK_FALSE(ledger.take(now + 20ms));
    told += page->seen.size();
    ledger.confirm(page->revision);
  }
  CHECK(told == 1'000);
}

TEST_CASE("whatever is lost on the way, the server ends up with what is") {
  CHECK(rc::check([] {
    report_ledger ledger;
    std::map<std::string, observation> truth;
    std::map<std::string, observation> server;
    auto now = start;
    auto exchange = [&](bool arrives, bool answered) {
      auto report = ledger.take(now);
      if (!report || !arrives)
        return;
      if (report->full)
        server.clear();
      for (const auto& each : report->seen)
        server[each.id] = each;
      for (const auto& each : report->gone)
        server.erase(each.id);
      if (answered)
        ledger.confirm(report->revision);
    };
    auto steps = *rc::gen::container<std::vector<int>>(rc::gen::inRange(0, 40));
    for (int step : steps) {
      auto id = "i" + std::to_string(step % 5);
      now += std::chrono::milliseconds(step * 7);
      if (step < 15) {
        truth[id] = seen(id, step % 2 ? instance_state::ready : instance_state::failed);
        ledger.see(truth[id]);
      } else if (step < 20) {
        if (truth.erase(id))
          ledger.lose(seen(id));
      } else if (step < 23) {
        ledger.restart(step == 20);
      } else {
        exchange(step % 3 != 0, step % 2 == 0);
      }
    }
    for (int i = 0; i < 3; ++i) {
      now += 2s;
      exchange(true, true);
    }
    RC_ASSERT(server == truth);
    RC_ASSERT(!ledger.due());
  }));
}

TEST_CASE("public ports are told when they change, and at the beginning of each session") {
  report_ledger ledger;
  public_ports ports;
  ports.list.push_back({80, "web", "a"});
  ledger.see(ports);
  auto first = ledger.take(start);
  REQUIRE(first);
  CHECK(first->ports == ports);
  ledger.confirm(first->revision);
  CHECK_FALSE(ledger.due());
  ledger.see(seen("a"));
  CHECK_FALSE(ledger.take(start + 1s)->ports);
  ledger.confirm(2);
  ledger.restart(false);
  auto again = ledger.take(start + 2s);
  REQUIRE(again);
  CHECK(again->ports == ports);
  CHECK(again->seen.empty());
}

TEST_CASE("that a machine has no public ports is told once") {
  report_ledger ledger;
  ledger.see(public_ports{});
  REQUIRE(ledger.take(start));
  ledger.confirm(1);
  ledger.restart(false);
  CHECK_FALSE(ledger.due());
}

TEST_CASE("a report that is repeated says where the public ports lead as well") {
  report_ledger ledger;
  ledger.see(public_ports{{}, "the file is broken"});
  CHECK(ledger.take(start)->ports);
  ledger.see(seen("a"));
  auto again = ledger.take(start + 20ms);
  REQUIRE(again);
  CHECK(again->ports->problem == "the file is broken");
}

TEST_CASE("troubles are told when they change, and at the beginning of each session with any") {
  report_ledger ledger;
  ledger.see(seen("a"));
  CHECK_FALSE(ledger.take(start)->troubles);
  ledger.confirm(1);
  troubles full{{"full", {1}, "make room"}};
  ledger.see(full);
  auto first = ledger.take(start + 1s);
  REQUIRE(first);
  CHECK(first->troubles == full);
  ledger.confirm(first->revision);
  ledger.see(seen("b"));
  auto second = ledger.take(start + 2s);
  CHECK_FALSE(second->troubles);
  ledger.confirm(second->revision);
  ledger.restart(false);
  auto again = ledger.take(start + 3s);
  REQUIRE(again);
  CHECK(again->troubles == full);
  ledger.confirm(again->revision);
  ledger.see(troubles{});
  auto over = ledger.take(start + 4s);
  CHECK(over->troubles == troubles{});
  ledger.confirm(over->revision);
  ledger.restart(false);
  CHECK_FALSE(ledger.due());
  ledger.restart(true);
  CHECK(ledger.take(start + 5s)->troubles == troubles{});
}
