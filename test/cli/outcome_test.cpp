#include "cli/outcome.hpp"

#include <doctest/doctest.h>

using namespace deployminator;
using namespace deployminator::cli;

TEST_CASE("only a rollout that succeeded ends with 0") {
  using messages::rollout_outcome;
  CHECK(exit_of(rollout_outcome::succeeded) == exit_code::done);
  CHECK(exit_of(rollout_outcome::failed) == exit_code::failed);
  CHECK(exit_of(rollout_outcome::reverted) == exit_code::failed);
  CHECK(exit_of(rollout_outcome::superseded) == exit_code::failed);
}

TEST_CASE("of several groups the worst outcome counts") {
  CHECK(worse_of(exit_code::done, exit_code::done) == exit_code::done);
  CHECK(worse_of(exit_code::done, exit_code::failed) == exit_code::failed);
  CHECK(worse_of(exit_code::failed, exit_code::done) == exit_code::failed);
}

TEST_CASE("the exit codes are those that scripts know") {
  CHECK(static_cast<int>(exit_code::done) == 0);
  CHECK(static_cast<int>(exit_code::failed) == 1);
  CHECK(static_cast<int>(exit_code::usage) == 2);
  CHECK(static_cast<int>(exit_code::unreachable) == 3);
  CHECK(static_cast<int>(exit_code::gave_up) == 4);
}
