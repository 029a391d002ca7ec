#include "agent/decisions/fetch_queue.hpp"

#include <doctest/doctest.h>

#include <rapidcheck.h>
#include <set>

using namespace deployminator::agent;
using namespace deployminator::messages;

namespace {

spec_ptr wants(const std::string& id, const std::string& url, std::uint64_t version = 1,
               const std::string& sha256 = {}) {
  instance_spec spec;
  spec.id = id;
  spec.version = version;
  spec.app.download_url = url;
  spec.app.sha256 = sha256;
  return std::make_shared<const instance_spec>(spec);
}

} // namespace

TEST_CASE("instances of one version share a transfer, those of another do not") {
  CHECK(fetch_key(*wants("a", "http://x/1")) == fetch_key(*wants("b", "http://x/1")));
  CHECK(fetch_key(*wants("a", "http://x/1")) != fetch_key(*wants("a", "http://x/2")));
  CHECK(fetch_key(*wants("a", "http://x/1", 1)) != fetch_key(*wants("a", "http://x/1", 2)));
  CHECK(fetch_key(*wants("a", "http://x/1", 1, "abc"))
        == fetch_key(*wants("b", "http://y/1", 2, "abc")));
}

TEST_CASE("one transfer serves all who wait for it") {
  fetch_queue queue;
  CHECK(queue.want(wants("a", "u")).start.size() == 1);
  CHECK(queue.want(wants("b", "u")).start.empty());
  auto key = fetch_key(*wants("a", "u"));
  CHECK(queue.waiting_for(key).size() == 2);
  queue.finish(key);
  CHECK(queue.waiting_for(key).empty());
}

TEST_CASE("a fourth transfer waits for its turn") {
  fetch_queue queue;
  for (int i = 0; i < 3; ++i)
    CHECK(queue.want(wants("i" + std::to_string(i), "u" + std::to_string(i))).start.size() == 1);
  CHECK(queue.want(wants("i3", "u3")).start.empty());
  CHECK(queue.want(wants("i4", "u4")).start.empty());
  auto next = queue.finish(fetch_key(*wants("i1", "u1")));
  REQUIRE(next.start.size() == 1);
  CHECK(next.start[0].url == "u3");
}

TEST_CASE("what something critical waits for goes before all others in line") {
  fetch_queue queue;
  for (int i = 0; i < 5; ++i)
    queue.want(wants("i" + std::to_string(i), "http://x/" + std::to_string(i)));
  queue.want(wants("elsewhere", "http://y/0"));
  auto critical = *wants("urgent", "http://x/9");
  critical.app.critical = true;
  queue.want(std::make_shared<const instance_spec>(critical));
  auto next = queue.finish(fetch_key(*wants("i1", "http://x/1")));
  REQUIRE(next.start.size() == 1);
  CHECK(next.start[0].url == "http://x/9");
}

TEST_CASE("hosts take turns") {
  fetch_queue queue;
  for (int i = 0; i < 5; ++i)
    queue.want(wants("i" + std::to_string(i), "http://x/" + std::to_string(i)));
  queue.want(wants("other", "http://y/0"));
  auto next = queue.finish(fetch_key(*wants("i1", "http://x/1")));
  REQUIRE(next.start.size() == 1);
  CHECK(next.start[0].url == "http://y/0");
  next = queue.finish(fetch_key(*wants("i0", "http://x/0")));
  REQUIRE(next.start.size() == 1);
  CHECK(next.start[0].url == "http://x/3");
}

TEST_CASE("a slow transfer goes on, but others need not wait for it") {
  fetch_queue queue;
  for (int i = 0; i < 5; ++i)
    queue.want(wants("i" + std::to_string(i), "u" + std::to_string(i)));
  auto key = [](int i) { return fetch_key(*wants("", "u" + std::to_string(i))); };
  auto next = queue.set_speed(key(0), transfer_speed::slow);
  REQUIRE(next.start.size() == 1);
  CHECK(next.start[0].url == "u3");
  CHECK(next.cancel.empty());
  CHECK(queue.set_speed(key(0), transfer_speed::slow).start.empty());
  // Fast again: it takes a turn as the others do.
  CHECK(queue.set_speed(key(0), transfer_speed::brisk).start.empty());
  CHECK(queue.finish(key(1)).start.empty());
  CHECK(queue.finish(key(2)).start.size() == 1);
}

TEST_CASE("those that are slow and move are not sent back, however many there are") {
  fetch_queue queue;
  for (int i = 0; i < 40; ++i)
    queue.want(wants("i" + std::to_string(i), "u" + std::to_string(i)));
  for (int round = 0; round < 20; ++round)
    for (const auto& each : queue.running())
      CHECK(queue.set_speed(each, transfer_speed::slow).cancel.empty());
  CHECK(queue.running().size() == fetch_queue::most_in_all);
}

TEST_CASE("where all drip, those that had their turn for the longest go back to the line") {
  fetch_queue queue;
  constexpr int many = 40;
  auto url = [](int i) { return "http://h" + std::to_string(i) + "/f"; };
  auto key = [&](int i) { return fetch_key(*wants("", url(i))); };
  std::map<std::string, int> number;
  std::vector<std::string> cancelled;
  auto follow = [&](const fetch_queue::step& step) {
    cancelled.insert(cancelled.end(), step.cancel.begin(), step.cancel.end());
  };
  for (int i = 0; i < many; ++i) {
    number[key(i)] = i;
    follow(queue.want(wants("i" + std::to_string(i), url(i))));
  }
  std::set<int> had_a_turn;
  for (int round = 0; round < 100; ++round) {
    for (const auto& each : queue.running()) {
      had_a_turn.insert(number[each]);
      follow(queue.set_speed(each, transfer_speed::dripping));
    }
    CHECK(queue.running().size() <= fetch_queue::most_in_all);
    for (const auto& each : std::exchange(cancelled, {})) {
      CHECK(queue.waiting_for(each).empty());
      follow(queue.finish(each));
    }
  }
  CHECK(had_a_turn.size() == many);
}

TEST_CASE("a transfer that nobody wants any more is cancelled") {
  fetch_queue queue;
  queue.want(wants("a", "u"));
  queue.want(wants("b", "u"));
  auto key = fetch_key(*wants("a", "u"));
  CHECK(queue.unwant("a").cancel.empty());
  CHECK(queue.unwant("b").cancel == std::vector{key});
  SUBCASE("and begins anew when it is wanted again meanwhile") {
    CHECK(queue.want(wants("c", "u")).start.empty());
    CHECK(queue.waiting_for(key).empty());
    CHECK(queue.finish(key).start.size() == 1);
    CHECK(queue.waiting_for(key).size() == 1);
  }
  SUBCASE("and forgotten when it has ended") {
    CHECK(queue.finish(key).start.empty());
    CHECK(queue.want(wants("c", "u")).start.size() == 1);
  }
}

TEST_CASE("whatever is wanted: few run, none twice at once, and everyone is served") {
  CHECK(rc::check([] {
    fetch_queue queue;
    std::set<std::string> running;
    std::set<std::string> slow;
    std::set<std::string> wanting;
    auto follow = [&](const fetch_queue::step& step) {
      for (const auto& order : step.start)
        RC_ASSERT(running.insert(order.key).second);
      RC_ASSERT(running.size() <= fetch_queue::most_in_all);
      RC_ASSERT(step.start.empty() || running.size() - slow.size() <= fetch_queue::most_at_once);
      for (const auto& key : step.cancel)
        RC_ASSERT(running.contains(key));
    };
    auto finish_one = [&] {
      auto key = *running.begin();
      for (const auto& spec : queue.waiting_for(key))
        wanting.erase(spec->id);
      running.erase(key);
      slow.erase(key);
      follow(queue.finish(key));
    };
    auto steps = *rc::gen::container<std::vector<int>>(rc::gen::inRange(0, 36));
    for (int step : steps) {
      auto id = "i" + std::to_string(step % 10);
      if (step < 18 && wanting.insert(id).second) {
        follow(queue.want(wants(id, "u" + std::to_string(step % 6))));
      } else if (step < 24) {
        wanting.erase(id);
        follow(queue.unwant(id));
      } else if (step < 30 && !running.empty()) {
        finish_one();
      } else if (!running.empty()) {
        const auto& key = *running.begin();
        bool is_slow = slow.insert(key).second;
        if (!is_slow)
          slow.erase(key);
        auto speed = step < 33 ? transfer_speed::slow : transfer_speed::dripping;
        follow(queue.set_speed(key, is_slow ? speed : transfer_speed::brisk));
      }
    }
    while (!running.empty())
      finish_one();
    RC_ASSERT(wanting.empty());
  }));
}
