#include "agent/decisions/pace.hpp"

#include <doctest/doctest.h>

using namespace deployminator::agent;
using namespace std::chrono_literals;

namespace {

/// A transfer that is looked at every second.
struct paced {
  pace subject;
  pace::moment now{};
  std::uint64_t bytes = 0;

  void pass(int seconds, std::uint64_t per_second) {
    for (int n = 0; n < seconds; ++n) {
      subject.look(now, bytes);
      now += 1s;
      bytes += per_second;
    }
  }
};

} // namespace

TEST_CASE("two bytes a second drip after ten seconds and stuck after a minute") {
  paced p;
  p.pass(10, 2);
  CHECK(p.subject.speed() == transfer_speed::brisk);
  p.pass(1, 2);
  CHECK(p.subject.speed() == transfer_speed::dripping);
  p.pass(49, 2);
  CHECK_FALSE(p.subject.is_stuck());
  p.pass(1, 2);
  CHECK(p.subject.is_stuck());
}

TEST_CASE("one kibibyte a second is slow, but not stuck, however long") {
  paced p;
  p.pass(10'000, 1024);
  CHECK(p.subject.speed() == transfer_speed::slow);
  CHECK_FALSE(p.subject.is_stuck());
  p.pass(11, 100'000);
  CHECK(p.subject.speed() == transfer_speed::brisk);
}

TEST_CASE("a minute's worth that comes in one burst each minute moves") {
  paced p;
  for (int minute = 0; minute < 10; ++minute) {
    p.bytes += 61'440;
    p.pass(60, 0);
    CHECK_FALSE(p.subject.is_stuck());
  }
  p.pass(60, 0);
  CHECK(p.subject.is_stuck());
}

TEST_CASE("one of which nothing ever came is stuck at once, until something does") {
  paced p{pace{5'000'000}};
  p.bytes = 5'000'000;
  p.pass(2, 0);
  CHECK_FALSE(p.subject.is_stuck());
  p.pass(1, 0);
  CHECK(p.subject.is_stuck());
  p.pass(2, 100);
  CHECK_FALSE(p.subject.is_stuck());
}

TEST_CASE("what was there before does not count again when it begins anew") {
  paced p;
  p.pass(61, 1'000'000);
  CHECK_FALSE(p.subject.is_stuck());
  p.bytes = 0;
  p.pass(60, 1'000'000);
  CHECK(p.subject.is_stuck());
  p.pass(10, 1'000'000);
  CHECK_FALSE(p.subject.is_stuck());
}

TEST_CASE("of what was not looked at nothing is said") {
  CHECK(pace{}.speed() == transfer_speed::brisk);
  CHECK_FALSE(pace{}.is_stuck());
}
