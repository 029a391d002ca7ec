#include "store/connection.hpp"
#include "store/lease.hpp"
#include "test/store/fresh_database.hpp"

#include <doctest/doctest.h>

#include <array>
#include <stdexcept>
#include <thread>

using namespace deployminator;
using namespace deployminator::test;
using messages::failure_code;
using messages::server_state;

namespace {

/// A server of its own on each machine.
std::unique_ptr<store::store> server_on(const database& d, const std::string& machine) {
  auto s = store::open_store(d.url, {}, {}, {"id of " + machine, machine, "tcp://*:4001", "1.0"});
  if (!s)
    throw std::runtime_error(s.error().message);
  return std::move(*s);
}

/// As if the time by the database's clock were so much later, or earlier.
void pass(const database& d, std::int64_t milliseconds) {
  auto db = connection_to(d);
  run(*db, "UPDATE meta SET lease_end = lease_end - ? WHERE id = 1", milliseconds);
  run(*db, "UPDATE server SET seen = seen - ?", milliseconds);
}

messages::change some_events() {
  messages::change c;
  c.events.push_back({0, {1'000'000}, "", "", 0, messages::rollout_step{"placed", ""}});
  return c;
}

std::vector<server_state> states_of(store::store& s) {
  std::vector<server_state> out;
  auto rows = s.servers();
  REQUIRE(rows);
  for (const auto& each : *rows)
    out.push_back(each.state);
  return out;
}

} // namespace

TEST_CASE("while a server's lease lasts no other one takes over, and the first keeps its epoch") {
  auto d = fresh_database();
  auto a = server_on(d, "a");
  auto b = server_on(d, "b");
  auto epoch = a->begin_epoch();
  REQUIRE(epoch);
  auto refused = b->begin_epoch();
  REQUIRE_FALSE(refused);
  CHECK(refused.error().code == failure_code::refused);
  CHECK(refused.error().message
        == "the server on a at tcp://*:4001 leads (epoch " + std::to_string(*epoch) + ")");
  CHECK(a->commit(1, some_events()));
  REQUIRE(a->renew_lead());
  pass(d, store::lease_term.count() - 1'000);
  CHECK_FALSE(b->begin_epoch());
  CHECK(a->renew_lead());
}

TEST_CASE("when the lease is over another server takes over, and the first hears of it") {
  auto d = fresh_database();
  auto a = server_on(d, "a");
  auto b = server_on(d, "b");
  auto epoch = a->begin_epoch();
  REQUIRE(a->renew_lead());
  CHECK_FALSE(b->begin_epoch());
  pass(d, store::lease_term.count() + 1);
  CHECK(*b->begin_epoch() == *epoch + 1);
  for (int i = 0; i < 2; ++i) {
    auto lost = a->renew_lead();
    REQUIRE_FALSE(lost);
    CHECK(lost.error().code == failure_code::refused);
  }
  CHECK(a->commit(1, some_events()).error().code == failure_code::refused);
  CHECK(a->begin_epoch().error().code == failure_code::refused);
  CHECK(b->commit(1, some_events()));
  CHECK(b->renew_lead());
}

TEST_CASE("a lease that ended is renewed where nobody has taken over") {
  auto d = fresh_database();
  auto a = server_on(d, "a");
  auto b = server_on(d, "b");
  REQUIRE(a->begin_epoch());
  pass(d, 60'000);
  CHECK(a->renew_lead());
  CHECK_FALSE(b->begin_epoch());
}

TEST_CASE("a server that gives the lead up is followed at once, one that lost it ends nothing") {
  auto d = fresh_database();
  auto a = server_on(d, "a");
  auto b = server_on(d, "b");
  REQUIRE(a->begin_epoch());
  REQUIRE(a->give_up_lead());
  REQUIRE(b->begin_epoch());
  CHECK(a->give_up_lead());
  CHECK_FALSE(a->begin_epoch());
}

TEST_CASE("who is started anew on the address of the one that led does not wait for its lease") {
  auto d = fresh_database();
  auto before = server_on(d, "a");
  auto epoch = before->begin_epoch();
  auto after = server_on(d, "a");
  CHECK(*after->begin_epoch() == *epoch + 1);
  CHECK_FALSE(before->renew_lead());
  CHECK_FALSE(server_on(d, "b")->begin_epoch());
}

TEST_CASE("a lease is no longer than any is where the database's clock was set back") {
  auto d = fresh_database();
  auto a = server_on(d, "a");
  auto b = server_on(d, "b");
  REQUIRE(a->begin_epoch());
  pass(d, -3'600'000);
  CHECK(b->begin_epoch());
}

TEST_CASE("a lease of a server that has to load its farm lasts longer") {
  auto d = fresh_database();
  auto a = server_on(d, "a");
  auto b = server_on(d, "b");
  REQUIRE(a->begin_epoch());
  pass(d, store::first_lease_term.count() - 2'000);
  CHECK_FALSE(b->begin_epoch());
}

TEST_CASE("the list of servers says who leads, who waits and who is gone") {
  auto d = fresh_database();
  auto a = server_on(d, "a");
  auto b = server_on(d, "b");
  CHECK(states_of(*a).empty());
  auto epoch = a->begin_epoch();
  CHECK_FALSE(b->begin_epoch());
  auto rows = b->servers();
  REQUIRE(rows);
  REQUIRE(rows->size() == 2);
  CHECK(rows->front().name == "a");
  CHECK(rows->front().listen == "tcp://*:4001");
  CHECK(rows->front().epoch == *epoch);
  CHECK(rows->front().version == "1.0");
  CHECK(rows->back().epoch == 0);
  auto off = messages::system_utc_now().microseconds - rows->front().since.microseconds;
  CHECK(std::abs(off) < 60'000'000);
  using s = server_state;
  CHECK(states_of(*a) == std::vector{s::reigning, s::standby});
  REQUIRE(a->renew_lead());
  pass(d, 6'000);
  CHECK(states_of(*a) == std::vector{s::unreachable, s::unreachable});
  REQUIRE(b->begin_epoch());
  CHECK(states_of(*a) == std::vector{s::unreachable, s::reigning});
  CHECK_FALSE(a->begin_epoch());
  CHECK(states_of(*a) == std::vector{s::standby, s::reigning});
  pass(d, 8LL * 24 * 3'600'000);
  REQUIRE(b->renew_lead());
  REQUIRE(server_on(d, "c")->begin_epoch().error().code == failure_code::refused);
  CHECK(states_of(*a) == std::vector{s::reigning, s::standby});
}

TEST_CASE("of many servers that want to lead at the same time one does") {
  auto d = fresh_database();
  server_on(d, "first");
  std::array<bool, 4> leads{};
  std::vector<std::thread> all;
  for (std::size_t i = 0; i < leads.size(); ++i)
    all.emplace_back([&, i] {
      auto s = server_on(d, std::string(1, static_cast<char>('a' + i)));
      for (int n = 0; n < 5; ++n)
        leads[i] = s->begin_epoch() || leads[i];
    });
  for (auto& each : all)
    each.join();
  CHECK(std::count(leads.begin(), leads.end(), true) == 1);
}

TEST_CASE("the keys alone are those of the farm") {
  auto d = fresh_database();
  auto s = server_on(d, "a");
  REQUIRE(s->begin_epoch());
  messages::change c;
  c.keys.push_back({7, {"ci", messages::key_role::builder, "public", {"shop"}, {}}, {1}, "me", {}});
  REQUIRE(s->commit(1, c));
  auto keys = s->keys();
  REQUIRE(keys);
  CHECK(*keys == s->load()->keys);
  CHECK(keys->size() == 1);
}
