#include "actors/common/daemon.hpp"

#include <doctest/doctest.h>

#include <sys/resource.h>

using namespace deployminator::common;

TEST_CASE("a daemon may open as many files as it can be allowed to") {
  rlimit usual{};
  REQUIRE(getrlimit(RLIMIT_NOFILE, &usual) == 0);
  REQUIRE(usual.rlim_max > 64);
  rlimit low{64, usual.rlim_max};
  REQUIRE(setrlimit(RLIMIT_NOFILE, &low) == 0);
  CHECK(raise_open_files() == usual.rlim_max);
  rlimit now{};
  getrlimit(RLIMIT_NOFILE, &now);
  CHECK(now.rlim_cur == usual.rlim_max);
  CHECK(now.rlim_max == usual.rlim_max);
  setrlimit(RLIMIT_NOFILE, &usual);
}
