/// How much processor time `redistribute` takes, from nothing, when nothing changed, and to even
/// out a farm that has grown: one line for each size, with the memory that the process took at
/// most.
///
///   deployminator-placing [INSTANCES MACHINES]…

#include "actors/decisions/redistribute.hpp"

#include <fmt/format.h>

#include <cstdlib>
#include <ctime>
#include <string>
#include <vector>

#include <sys/resource.h>

using namespace deployminator::actors;

namespace {

constexpr std::uint64_t instances_of_one = 100;

struct farm_to_place {
  std::vector<wanted_application> wanted;
  std::vector<placing_machine> machines;
};

/// Applications of 100 instances each, in three machine groups that overlap.
farm_to_place farm_of(std::uint64_t instances, std::uint64_t machines) {
  farm_to_place out;
  for (std::uint64_t m = 0; m < machines; ++m) {
    std::vector<std::string> groups{"worker"};
    if (m % 2 == 0)
      groups.emplace_back("even");
    if (m % 3 == 0)
      groups.emplace_back("third");
    out.machines.push_back({fmt::format("machine-{:05}", m), groups});
  }
  const char* groups[]{"worker", "even", "third"};
  for (std::uint64_t a = 0; a * instances_of_one < instances; ++a)
    out.wanted.push_back({.name = fmt::format("shop/group-{:05}/web", a),
                          .count = instances_of_one,
                          .machine_groups = {groups[a % 3]},
                          .machine_names = {}});
  return out;
}

/// Of the processor: the machine may have other things to do.
double now() {
  timespec spent{};
  clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &spent);
  return static_cast<double>(spent.tv_sec) + 1e-9 * static_cast<double>(spent.tv_nsec);
}

double seconds_since(double begun) {
  return now() - begun;
}

std::uint64_t moves_in(const std::vector<application_placement>& answer) {
  std::uint64_t out = 0;
  for (const auto& app : answer)
    for (const auto& each : app.steps)
      out += each.count;
  return out;
}

void measure(std::uint64_t instances, std::uint64_t machines) {
  auto farm = farm_of(instances, machines);
  auto begun = now();
  auto placed = redistribute(farm.wanted, farm.machines, {}, {});
  auto from_nothing = seconds_since(begun);
  auto there = after_steps({}, placed);
  begun = now();
  auto again = redistribute(farm.wanted, farm.machines, there, {});
  auto unchanged = seconds_since(begun);
  if (moves_in(again) > 0)
    std::exit(1);
  auto grown = farm_of(instances, machines + machines / 10);
  begun = now();
  auto evened = redistribute(grown.wanted, grown.machines, there, {}, {.even_out = true});
  auto even = seconds_since(begun);
  rusage used{};
  getrusage(RUSAGE_SELF, &used);
  fmt::print("{:>9} {:>9} {:>12.4f} {:>10.4f} {:>10.4f} {:>9} {:>8}\n", instances, machines,
             from_nothing, unchanged, even, moves_in(evened), used.ru_maxrss / 1024);
}

} // namespace

int main(int argc, char** argv) {
  fmt::print("instances  machines from nothing  unchanged  even out     moves   MiB\n");
  if (argc < 3)
    for (std::uint64_t size : {1'000U, 10'000U, 100'000U, 1'000'000U})
      measure(size, size / 100);
  for (int i = 1; i + 1 < argc; i += 2)
    measure(std::strtoull(argv[i], nullptr, 10), std::strtoull(argv[i + 1], nullptr, 10));
}
