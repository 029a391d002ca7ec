#include "agent/decisions/control_group.hpp"

#include <doctest/doctest.h>

#include <csignal>

using namespace deployminator;
using namespace deployminator::agent;

namespace {

constexpr auto version_2
  = "24 30 0:22 / /proc rw,nosuid shared:13 - proc proc rw\n"
    "29 23 0:26 / /sys/fs/cgroup rw,nosuid,nodev shared:9 - cgroup2 cgroup2 rw,nsdelegate\n";

constexpr auto both_versions
  = "31 30 0:27 / /sys/fs/cgroup/cpu rw,relatime - cgroup cgroup rw,cpu,cpuacct\n"
    "34 30 0:30 / /sys/fs/cgroup/memory rw,relatime - cgroup cgroup rw,memory\n"
    "38 30 0:34 / /sys/fs/cgroup/pids rw,relatime - cgroup cgroup rw,pids\n"
    "39 30 0:35 / /sys/fs/cgroup/systemd rw,relatime - cgroup cgroup rw,name=systemd\n"
    "40 30 0:36 / /sys/fs/cgroup/unified rw,relatime - cgroup2 cgroup2 rw\n";

messages::resource_limits all_limits() {
  messages::resource_limits out;
  out.bounds_address_space = false;
  out.max_kill_memory_mb = 64;
  out.max_swap_memory_mb = 16;
  out.cpu_percent = 150;
  out.processes = 20;
  return out;
}

std::string said(const std::vector<group_file>& files) {
  std::string out;
  for (const auto& each : files)
    out += std::string{name_of(each.in)} + " " + each.name + "=" + each.text + "\n";
  return out;
}

} // namespace

TEST_CASE("version 2 has all that it lists, in one place") {
  CHECK(unified_mount_in(version_2) == "/sys/fs/cgroup");
  group_hierarchies expected{true, "/sys/fs/cgroup", "/sys/fs/cgroup", "/sys/fs/cgroup"};
  CHECK(hierarchies_in(version_2, "cpuset cpu io memory pids\n") == expected);
  expected.cpu.clear();
  CHECK(hierarchies_in(version_2, "memory pids") == expected);
}

TEST_CASE("where version 2 has no memory controller those of version 1 are taken") {
  group_hierarchies expected{false, "/sys/fs/cgroup/memory", "/sys/fs/cgroup/pids",
                             "/sys/fs/cgroup/cpu"};
  CHECK(hierarchies_in(both_versions, "hugetlb\n") == expected);
}

TEST_CASE("where there is neither, or nonsense, there is nothing") {
  for (const auto* text : {"", "\n", "x", "1 2 - cgroup", version_2, "- - - -"})
    CHECK(hierarchies_in(text, "") == group_hierarchies{});
}

TEST_CASE("version 2 is told the limits in its files") {
  CHECK(said(group_files(all_limits(), true))
        == "memory memory.max=67108864\n"
           "memory memory.swap.max=16777216\n"
           "pids pids.max=20\n"
           "cpu cpu.max=150000 100000\n");
}

TEST_CASE("version 1 is told the limits in its files, memory and swap together") {
  CHECK(said(group_files(all_limits(), false))
        == "memory memory.limit_in_bytes=67108864\n"
           "memory memory.memsw.limit_in_bytes=83886080\n"
           "pids pids.max=20\n"
           "cpu cpu.cfs_period_us=100000\n"
           "cpu cpu.cfs_quota_us=150000\n");
}

TEST_CASE("what is not limited needs no group") {
  messages::resource_limits limits;
  CHECK(group_files(limits, true).empty());
  limits.max_kill_memory_mb = limits.cpu_percent = limits.processes = messages::unlimited;
  limits.max_swap_memory_mb = messages::unlimited;
  limits.bounds_address_space = false;
  CHECK(group_files(limits, true).empty());
  CHECK(group_files(limits, false).empty());
}

TEST_CASE("real memory is bounded by what is promised where a file says nothing") {
  messages::resource_limits limits;
  limits.bounds_address_space = false;
  CHECK(said(group_files(limits, true)) == "memory memory.max=3145728000\n");
}

TEST_CASE("counts are found by their whole word") {
  constexpr auto events = "low 0\nhigh 0\nmax 17\noom 3\noom_kill 2\noom_group_kill 1\n";
  CHECK(count_in(events, "oom_kill") == 2);
  CHECK(count_in(events, "max") == 17);
  CHECK(count_in("oom_kill_disable 0\nunder_oom 0\noom_kill 5", "oom_kill") == 5);
  CHECK(count_in("", "max") == 0);
  CHECK(count_in("max\nmax x\n", "max") == 0);
}

TEST_CASE("a limit is hit between two counts") {
  CHECK_FALSE(hits_between({1, 2}, {1, 2}));
  CHECK(hits_between({1, 2}, {2, 2}) == limit_hits{true, false});
  CHECK(hits_between({}, {0, 9}) == limit_hits{false, true});
}

TEST_CASE("why a program ended says which limit and how much") {
  auto limits = all_limits();
  constexpr int killed = 128 + SIGKILL;
  CHECK(end_words(killed, {true, false}, limits, "")
        == "killed: it used more than limits.maxkillmemory (64 MB) of memory");
  limits.max_kill_memory_mb.reset();
  CHECK(end_words(killed, {true, false}, limits, "")
        == "killed: it used more than the 3000 MB of memory that an instance may use where "
           "limits.maxkillmemory says nothing else");
  CHECK(end_words(killed, {}, limits, "") == "killed by signal 9 (SIGKILL)");
  CHECK(end_words(1, {true, false}, all_limits(), "")
        == "exited with code 1; the kernel killed a process of it: it used more than "
           "limits.maxkillmemory (64 MB) of memory");
  CHECK(end_words(2, {false, true}, limits, "")
        == "exited with code 2; it wanted more than limits.processes (20) processes and threads");
  CHECK(end_words(killed, {true, true}, all_limits(), "")
        == "killed: it used more than limits.maxkillmemory (64 MB) of memory; it wanted more than "
           "limits.processes (20) processes and threads");
}

TEST_CASE("the address space is blamed only where the program says that it got no memory") {
  messages::resource_limits limits;
  limits.max_memory_mb = 300;
  constexpr auto blamed = "; its output speaks of memory: limits.maxmemory gives it 300 MB of "
                          "address space";
  CHECK(end_words(128 + SIGABRT, {}, limits, "what():  std::bad_alloc")
        == "killed by signal 6 (SIGABRT)" + std::string{blamed});
  CHECK(end_words(1, {}, limits, "Traceback\nMemoryError")
        == "exited with code 1" + std::string{blamed});
  CHECK(end_words(1, {}, limits, "cannot connect") == "exited with code 1");
  CHECK(end_words(0, {}, limits, "MemoryError") == "exited with code 0");
  limits.bounds_address_space = false;
  CHECK(end_words(1, {}, limits, "MemoryError") == "exited with code 1");
}

TEST_CASE("of the limits that cannot be kept those are named that somebody asked for") {
  using enum controller;
  CHECK(unkept_limits(all_limits(), {memory, cpu})
        == "limits.maxkillmemory, limits.maxswapmemory, limits.cpu");
  CHECK(unkept_limits(all_limits(), {}).empty());
  messages::resource_limits usual;
  usual.bounds_address_space = false;
  CHECK(unkept_limits(usual, {memory, cpu, pids}).empty());
}
