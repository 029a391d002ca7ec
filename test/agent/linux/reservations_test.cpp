#include "agent/linux/reservations.hpp"

#include <doctest/doctest.h>

#include <optional>
#include <sched.h>
#include <string>
#include <thread>
#include <unistd.h>

using namespace deployminator::agent;

TEST_CASE("a user is reserved for the host, also from another network namespace") {
  if (geteuid() != 0) {
    MESSAGE("skipped: only an agent that is root has users to give");
    return;
  }
  std::optional<reservation> there;
  bool is_elsewhere = false;
  std::thread{[&] {
    is_elsewhere = unshare(CLONE_NEWNET) == 0;
    if (auto given = reservations{}.user(-1))
      there = std::move(*given);
  }}.join();
  if (!is_elsewhere)
    MESSAGE("in the same network namespace: this root may not make one");
  REQUIRE(there);
  reservations here;
  CHECK_FALSE(here.this_user(there->number));
  auto other = here.user(there->number);
  REQUIRE(other);
  CHECK(other->number != there->number);
  CHECK(here.this_user(there->number).error().code
        == deployminator::messages::failure_code::refused);
  there->holder.reset();
  CHECK(here.this_user(there->number));
}

TEST_CASE("a user whose file was removed is reserved by a new one") {
  if (geteuid() != 0) {
    MESSAGE("skipped: only an agent that is root has users to give");
    return;
  }
  reservations first;
  auto given = first.user(-1);
  REQUIRE(given);
  auto path = "/run/autodeployer-users/" + std::to_string(given->number);
  REQUIRE(unlink(path.c_str()) == 0);
  given->holder.reset();
  REQUIRE(reservations{}.this_user(given->number));
  CHECK(access(path.c_str(), F_OK) == 0);
}
