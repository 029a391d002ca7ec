#include "agent/decisions/usage_book.hpp"

#include <doctest/doctest.h>

using namespace deployminator::agent;
using namespace std::chrono_literals;

namespace {

usage_sample sample(std::chrono::microseconds used, std::int64_t pid = 7) {
  usage_sample out;
  out.id = "web-0";
  out.pid = pid;
  out.age = 10s;
  out.processor_time = used;
  return out;
}

double percent(usage_book& book, std::chrono::microseconds used, std::chrono::milliseconds now,
               std::int64_t pid = 7) {
  return book.enter({sample(used, pid)}, usage_book::time_point{1h + now}).at(0).cpu_percent;
}

} // namespace

TEST_CASE("what was never measured is measured since its start") {
  usage_book book;
  CHECK(percent(book, 1s, 0ms) == doctest::Approx(10));
}

TEST_CASE("what was measured before is measured since then") {
  usage_book book;
  percent(book, 1s, 0ms);
  CHECK(percent(book, 2s, 2'000ms) == doctest::Approx(50));
  CHECK(percent(book, 5s, 3'000ms) == doctest::Approx(300));
}

TEST_CASE("who asks again at once gets the same answer") {
  usage_book book;
  percent(book, 1s, 0ms);
  percent(book, 2s, 1'000ms);
  CHECK(percent(book, 2s + 10ms, 1'100ms) == doctest::Approx(100));
  CHECK(percent(book, 2s + 500ms, 2'000ms) == doctest::Approx(50));
}

TEST_CASE("a program that was started anew, or measured long ago, begins anew") {
  usage_book book;
  percent(book, 9s, 0ms);
  CHECK(percent(book, 1s, 1'000ms, 8) == doctest::Approx(10));
  CHECK(percent(book, 2s, 700'000ms, 8) == doctest::Approx(20));
}

TEST_CASE("a share is never below nothing") {
  usage_book book;
  percent(book, 9s, 0ms);
  CHECK(percent(book, 8s, 1'000ms) == 0);
}
