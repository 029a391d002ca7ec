#include "agent/decisions/attempts.hpp"

#include <doctest/doctest.h>

using namespace deployminator::agent;
using namespace std::chrono_literals;

namespace {

constexpr std::uint64_t mib = 1024 * 1024;

} // namespace

TEST_CASE("attempts that bring nothing end, with twice the wait before each") {
  attempts a{4, 500ms};
  CHECK(a.broken_off(0) == 500ms);
  CHECK(a.broken_off(10) == 1s);
  CHECK(a.broken_off(10) == 2s);
  CHECK_FALSE(a.broken_off(10));
  CHECK(a.count() == 4);
}

TEST_CASE("an attempt that brings a mebibyte starts the count anew") {
  attempts a{2, 500ms};
  CHECK(a.broken_off(mib - 1) == 500ms);
  CHECK(a.broken_off(mib) == 500ms);
  CHECK(a.broken_off(2 * mib) == 500ms);
  CHECK_FALSE(a.broken_off(3 * mib - 1));
}

TEST_CASE("what was there before is no merit of an attempt") {
  attempts a{2, 500ms};
  a.begin_at(5 * mib);
  CHECK(a.broken_off(5 * mib + 1));
  CHECK_FALSE(a.broken_off(5 * mib + 1));
}

TEST_CASE("the wait does not grow without end") {
  attempts a{100, 1ms};
  std::chrono::milliseconds last{0};
  for (int i = 0; i < 99; ++i)
    last = *a.broken_off(0);
  CHECK(last == 1024ms);
}
