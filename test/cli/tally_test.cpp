#include "cli/tally.hpp"

#include <doctest/doctest.h>
#include <fmt/format.h>

using namespace deployminator;
using namespace deployminator::cli;
using messages::instance_state;

namespace {

using said_lines = std::vector<std::string>;

/// A rollout of so many instances, as `deploy new-build` follows it.
struct many_bench {
  explicit many_bench(int instances) {
    known.follow({"shop", "web", 2, 1}, {});
    for (int i = 0; i < instances; ++i)
      becomes(i, instance_state::preparing);
  }

  bool tell(messages::event::content what) {
    messages::event e{1, {1}, "shop", "web", 2, std::move(what)};
    known.apply(e, {1});
    return numbers.takes(e, known);
  }

  bool becomes(int i, instance_state state, const std::string& reason = {}) {
    messages::instance_change c{.id = fmt::format("web-{}", i), .machine = "w1", .to = state};
    c.reason = reason;
    return tell(c);
  }

  said_lines due(std::int64_t milliseconds) {
    return numbers.due(known, {1'000'000'000 + milliseconds * 1000});
  }

  board known;
  tally numbers;
};

} // namespace

TEST_CASE("changes of many instances are told in numbers, once a second at most") {
  many_bench b{60};
  CHECK(b.due(0) == said_lines{"shop/web: 0 of 60 instances ready (60 preparing)"});
  for (int i = 0; i < 12; ++i)
    CHECK(b.becomes(i, instance_state::ready));
  CHECK(b.due(999).empty());
  CHECK(b.due(1000) == said_lines{"shop/web: 12 of 60 instances ready (48 preparing)"});
  CHECK(b.due(5000).empty());
  CHECK(b.tell(messages::download_progress{"w1", "http://x/app.tar", {"web-59"}, 5, 10, 1, 5}));
  CHECK(b.due(7000).empty());
}

TEST_CASE("each of many instances that fails is told by itself") {
  many_bench b{60};
  CHECK_FALSE(b.becomes(1, instance_state::failed, "exited with code 7"));
  CHECK_FALSE(b.becomes(2, instance_state::failed, "exited with code 7"));
  CHECK_FALSE(b.becomes(3, instance_state::lost));
}

TEST_CASE("why many fetches do not get on is told once") {
  many_bench b{60};
  CHECK_FALSE(b.becomes(1, instance_state::downloading, "its host is away"));
  CHECK(b.becomes(2, instance_state::downloading, "its host is away"));
  CHECK_FALSE(b.becomes(2, instance_state::downloading, "503"));
}

TEST_CASE("a few instances are told of one by one, and so are the steps of a rollout") {
  many_bench few{8};
  CHECK_FALSE(few.becomes(1, instance_state::ready));
  CHECK(few.due(0).empty());
  many_bench many{60};
  CHECK_FALSE(many.tell(messages::rollout_step{"starting", "every machine has its artifact"}));
  CHECK(many.tell(messages::rollout_step{"starting", "the next 1 of 60 instances start"}));
  CHECK_FALSE(many.tell(messages::rollout_step{"stopping_old", "all are ready"}));
}

TEST_CASE("the instances of other versions are counted until they are gone") {
  many_bench b{9};
  for (int i = 0; i < 9; ++i)
    b.becomes(i, instance_state::ready);
  messages::event old{
    1,
    {1},
    "shop",
    "web",
    1,
    messages::instance_change{.id = "web-old", .machine = "w1", .to = instance_state::stopping}};
  b.known.apply(old, {1});
  CHECK(b.numbers.takes(old, b.known));
  CHECK(b.due(0) == said_lines{"shop/web: 9 of 9 instances ready, 1 of other versions left"});
}
