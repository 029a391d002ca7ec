#include "agent/linux/progress_meter.hpp"

#include <doctest/doctest.h>

using namespace deployminator::agent;
using namespace std::chrono_literals;

TEST_CASE("the first state is told, then one each half second, and the last") {
  progress_meter meter{500ms};
  progress_meter::moment now{10s};
  meter.jump(now, 100);
  auto first = meter.see(now, 100, 1000);
  REQUIRE(first);
  CHECK(first->bytes == 100);
  CHECK(first->total == 1000);
  CHECK(first->bytes_per_second == 0);
  CHECK_FALSE(meter.see(now + 499ms, 200, 1000));
  CHECK(meter.see(now + 500ms, 300, 1000));
  CHECK_FALSE(meter.see(now + 501ms, 300, 1000));
  auto last = meter.finish(now + 600ms, 1000);
  CHECK(last.bytes == 1000);
  CHECK(last.total == 1000);
}

TEST_CASE("the rate is what was received now, not what was there before") {
  progress_meter meter{500ms};
  progress_meter::moment now{10s};
  meter.jump(now, 1'000'000);
  CHECK(meter.see(now, 1'000'000, std::nullopt));
  CHECK(meter.see(now + 1s, 1'001'000, std::nullopt)->bytes_per_second == doctest::Approx(1000));
}

TEST_CASE("the rate follows a change within some seconds, without jumping") {
  progress_meter meter{500ms};
  progress_meter::moment now{10s};
  std::uint64_t bytes = 0;
  double rate = 0;
  for (int n = 0; n < 20; ++n) {
    rate = meter.see(now, bytes, std::nullopt)->bytes_per_second;
    now += 500ms;
    bytes += 500;
  }
  CHECK(rate == doctest::Approx(1000));
  bytes += 4500;
  rate = meter.see(now, bytes, std::nullopt)->bytes_per_second;
  CHECK(rate > 1500);
  CHECK(rate < 4000);
  for (int n = 0; n < 20; ++n) {
    now += 500ms;
    rate = meter.see(now, bytes, std::nullopt)->bytes_per_second;
  }
  CHECK(rate < 300);
}
