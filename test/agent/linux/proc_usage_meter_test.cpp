#include "agent/linux/proc_usage_meter.hpp"
#include "test/agent/linux/machine.hpp"

#include <unistd.h>

using namespace deployminator::agent;

TEST_CASE("a process is read whatever its name is") {
  auto stat = process_stat_in("42 (a) b (c)) S 7 42 42 0 -1 4194560 1 2 3 4 150 50 20 5 20 0 9 0 "
                              "123456 1000000 250 18446744073709551615\n");
  CHECK(stat.parent == 7);
  CHECK(stat.own_ticks == 200);
  CHECK(stat.children_ticks == 25);
  CHECK(stat.threads == 9);
  CHECK(stat.started == 123456);
  CHECK(stat.resident == 250);
}

TEST_CASE("what is no process has no parent") {
  for (const auto* text : {"", "\n", "42", "42 (a)", "42 (a) S"})
    CHECK(process_stat_in(text).parent == 0);
}

TEST_CASE("a program is measured that runs, and no other") {
  testing::scratch root;
  proc_usage_meter meter{directories_below(root.path)};
  auto found = meter.sample({{"this", getpid()}, {"none", 0}});
  REQUIRE(found.size() == 1);
  CHECK(found[0].id == "this");
  CHECK(found[0].pid == getpid());
  CHECK(found[0].threads >= 1);
  CHECK(found[0].memory_bytes > 0);
  CHECK(found[0].open_files > 2U);
  CHECK(found[0].age.count() > 0);
}
