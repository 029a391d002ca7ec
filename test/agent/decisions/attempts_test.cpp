#include "agent/decisions/attempts.hpp"

#include <doctest/doctest.h>

using namespace deployminator::agent;
using namespace std::chrono_literals;

namespace {

constexpr std::uint64_t mib = 1024 * 1024;

} // namespace

TEST_CASE("attempts that bring nothing have twice the wait before each, and no end") {
  attempts a{500ms, 3s, 60s};
  CHECK(a.broken_off(0) == 500ms);
  CHECK(a.broken_off(10) == 1s);
  CHECK(a.broken_off(10) == 2s);
  for (int n = 0; n < 100; ++n)
    CHECK(a.broken_off(10) == 3s);
  CHECK(a.count() == 103);
}

TEST_CASE("an attempt that brings a mebibyte starts the count anew") {
  attempts a{500ms, 3s, 60s};
  CHECK(a.broken_off(mib - 1) == 500ms);
  CHECK(a.broken_off(mib) == 500ms);
  CHECK(a.broken_off(2 * mib) == 500ms);
  CHECK(a.broken_off(3 * mib - 1) == 1s);
}

TEST_CASE("what was there before is no merit of an attempt") {
  attempts a{500ms, 3s, 60s};
  a.begin_at(5 * mib);
  CHECK(a.broken_off(5 * mib + 1) == 500ms);
  CHECK(a.broken_off(5 * mib + 1) == 1s);
}

TEST_CASE("a server that asks to be left alone is, within bounds") {
  attempts a{500ms, 3s, 60s};
  CHECK(a.broken_off(0, 10s) == 10s);
  CHECK(a.broken_off(0, 3600s) == 60s);
  CHECK(a.broken_off(0, 1s) == 2s);
}
