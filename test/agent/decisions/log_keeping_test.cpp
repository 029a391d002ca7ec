#include "agent/decisions/log_keeping.hpp"

#include <doctest/doctest.h>

using namespace deployminator::agent;
using deployminator::messages::timestamp;
using strings = std::vector<std::string>;

namespace {

constexpr std::int64_t day = std::int64_t{86'400} * 1'000'000;
constexpr timestamp now{100 * day};

/// With one file of so many bytes for each day from `first_day` to `last_day`.
stored_log log_of(const std::string& id, bool is_gone, std::int64_t first_day,
                  std::int64_t last_day, std::uint64_t bytes = 10) {
  stored_log out{id, is_gone, {last_day * day}, {}};
  for (auto n = first_day; n <= last_day; ++n)
    out.files.push_back({id + "/" + std::to_string(n), bytes, {n * day}});
  return out;
}

} // namespace

TEST_CASE("the log of an instance that is gone goes after a while, that of one that runs never") {
  log_limits limits{.of_all = 1'000, .after_end = std::chrono::hours{7 * 24}};
  auto out = logs_to_remove(
    {log_of("old", true, 90, 92), log_of("recent", true, 90, 94), log_of("running", false, 1, 2)},
    limits, now);
  CHECK(out.logs == strings{"old"});
  CHECK(out.files.empty());
}

TEST_CASE("of too much, those go first that have been gone for longest") {
  log_limits limits{.of_all = 45};
  auto out = logs_to_remove({log_of("b", true, 98, 98), log_of("a", true, 97, 97),
                             log_of("c", true, 99, 99), log_of("running", false, 96, 98)},
                            limits, now);
  CHECK(out.logs == strings{"a", "b"});
  CHECK(out.files.empty());
}

TEST_CASE("then the oldest files of the others, but the newest of each stays") {
  log_limits limits{.of_all = 25};
  auto out = logs_to_remove(
    {log_of("x", false, 95, 97), log_of("gone", true, 99, 99), log_of("y", false, 94, 96)}, limits,
    now);
  CHECK(out.logs == strings{"gone"});
  CHECK(out.files == strings{"y/94", "y/95", "x/95", "x/96"});
}

TEST_CASE("nothing goes where there is room") {
  auto out = logs_to_remove({log_of("x", false, 1, 90), log_of("y", true, 99, 99)}, {}, now);
  CHECK(out.logs.empty());
  CHECK(out.files.empty());
}
