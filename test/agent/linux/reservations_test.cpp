#include "agent/linux/reservations.hpp"

#include <doctest/doctest.h>

#include <sched.h>
#include <thread>
#include <unistd.h>

using namespace deployminator::agent;

TEST_CASE("a user is reserved for the host, also from another network namespace") {
  if (geteuid() != 0) {
    MESSAGE("skipped: only an agent that is root has users to give");
    return;
  }
  std::optional<reservation> there;
  std::thread{[&] {
    if (unshare(CLONE_NEWNET) != 0)
      return;
    if (auto given = reservations{}.user(-1))
      there = std::move(*given);
  }}.join();
  REQUIRE(there);
  reservations here;
  CHECK_FALSE(here.this_user(there->number));
  auto other = here.user(there->number);
  REQUIRE(other);
  CHECK(other->number != there->number);
  there->holder.reset();
  CHECK(here.this_user(there->number));
}
