#include "messages/bus/backlog.hpp"

#include <doctest/doctest.h>

#include <optional>
#include <vector>

using namespace deployminator::bus;

TEST_CASE("so many messages fill a backlog, and it has room when half of them are done") {
  int told = 0;
  backlog handed_up{[&] { ++told; }, {.messages = 4, .bytes = 1'000}};
  std::vector<backlog::ticket> tickets;
  for (int i = 0; i < 4; ++i) {
    CHECK_FALSE(handed_up.is_full());
    tickets.push_back(handed_up.add(1));
  }
  CHECK(handed_up.is_full());
  tickets.pop_back();
  CHECK(handed_up.is_full());
  CHECK(told == 0);
  tickets.pop_back();
  CHECK_FALSE(handed_up.is_full());
  tickets.clear();
  CHECK(told == 1);
}

TEST_CASE("so many bytes fill a backlog") {
  backlog handed_up{[] {}, {.messages = 100, .bytes = 1'000}};
  std::optional large{handed_up.add(1'000)};
  CHECK(handed_up.is_full());
  large.reset();
  CHECK_FALSE(handed_up.is_full());
}

TEST_CASE("a message counts until the last copy of its ticket is gone") {
  backlog handed_up{[] {}, {.messages = 1, .bytes = 1'000}};
  auto ticket = handed_up.add(1);
  auto copy = ticket;
  ticket.reset();
  CHECK(handed_up.is_full());
  copy.reset();
  CHECK_FALSE(handed_up.is_full());
}

TEST_CASE("a ticket may outlive its backlog") {
  backlog::ticket late;
  {
    backlog handed_up{[] { FAIL("nobody is there to be told"); }, {.messages = 1, .bytes = 1}};
    late = handed_up.add(1);
  }
  late.reset();
}
