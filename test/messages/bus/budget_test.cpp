#include "messages/bus/budget.hpp"

#include <doctest/doctest.h>

using namespace deployminator::bus;
using namespace std::chrono_literals;

namespace {

constexpr allowance small{
  .messages_per_second = 10, .most_messages = 20, .bytes_per_second = 100, .most_bytes = 1'000};

int messages_until_refused(budget& b, const std::string& key, std::size_t bytes,
                           budget::time_point now) {
  int sent = 0;
  while (sent < 1'000 && b.spend(key, bytes, now))
    ++sent;
  return sent;
}

} // namespace

TEST_CASE("a burst is allowed, and then so many a second") {
  budget b{small};
  budget::time_point now{};
  CHECK(messages_until_refused(b, "alice", 1, now) == 20);
  CHECK(messages_until_refused(b, "alice", 1, now + 500ms) == 5);
  CHECK(messages_until_refused(b, "alice", 1, now + 1h) == 20);
}

TEST_CASE("bytes count as messages do") {
  budget b{small};
  budget::time_point now{};
  CHECK(messages_until_refused(b, "alice", 250, now) == 4);
  CHECK_FALSE(b.spend("alice", 150, now + 1s));
  CHECK(b.spend("alice", 150, now + 2s));
}

TEST_CASE("who spends much takes nothing from others") {
  budget b{small};
  budget::time_point now{};
  messages_until_refused(b, "alice", 1, now);
  CHECK(b.spend("bob", 1, now));
}
