/// How much processor time `redistribute` takes, from nothing, when nothing changed, and to even
/// out a farm that has grown: one line for each size, with the memory that the process took at
/// most.
///
///   deployminator-placing [--json] [INSTANCES MACHINES]…
///
/// With --json: an object a line, for swarm_plot.py.

#include "actors/decisions/redistribute.hpp"

#include <fmt/format.h>

#include <cstdlib>
#include <ctime>
#include <string>
#include <string_view>
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

/// What was measured of one farm.
struct figures {
  std::uint64_t instances = 0;
  std::uint64_t machines = 0;
  double from_nothing = 0;
  double unchanged = 0;
  double even_out = 0;
  std::uint64_t moves = 0;
  std::uint64_t mib = 0;
};

figures measure(std::uint64_t instances, std::uint64_t machines) {
  figures out{.instances = instances, .machines = machines};
  auto farm = farm_of(instances, machines);
  auto begun = now();
  auto placed = redistribute(farm.wanted, farm.machines, {}, {});
  out.from_nothing = seconds_since(begun);
  auto there = after_steps({}, placed);
  begun = now();
  auto again = redistribute(farm.wanted, farm.machines, there, {});
  out.unchanged = seconds_since(begun);
  if (moves_in(again) > 0)
    std::exit(1);
  auto grown = farm_of(instances, machines + machines / 10);
  begun = now();
  auto evened = redistribute(grown.wanted, grown.machines, there, {}, {.even_out = true});
  out.even_out = seconds_since(begun);
  out.moves = moves_in(evened);
  rusage used{};
  getrusage(RUSAGE_SELF, &used);
  out.mib = static_cast<std::uint64_t>(used.ru_maxrss) / 1024;
  return out;
}

void print(const figures& f) {
  fmt::print("{:>9} {:>9} {:>12.4f} {:>10.4f} {:>10.4f} {:>9} {:>8}\n", f.instances, f.machines,
             f.from_nothing, f.unchanged, f.even_out, f.moves, f.mib);
}

void print_json(const figures& f) {
  auto row = [&](const char* name, const char* unit, double value) {
    fmt::print(R"({{"row": "{}", "y": "{}", "{}": {:.6f}, "instances": {}, "machines": {}, )"
               R"("complete": true}})"
               "\n",
               name, unit, unit, value, f.instances, f.machines);
  };
  row("from nothing", "seconds", f.from_nothing);
  row("unchanged", "seconds", f.unchanged);
  row("even out", "seconds", f.even_out);
  row("memory", "MiB", static_cast<double>(f.mib));
}

} // namespace

int main(int argc, char** argv) {
  bool as_json = argc > 1 && std::string_view{argv[1]} == "--json";
  auto show = as_json ? print_json : print;
  if (!as_json)
    fmt::print("instances  machines from nothing  unchanged  even out     moves   MiB\n");
  int first = as_json ? 2 : 1;
  if (argc - first < 2)
    for (std::uint64_t size : {1'000U, 10'000U, 100'000U, 1'000'000U})
      show(measure(size, size / 100));
  for (int i = first; i + 1 < argc; i += 2)
    show(measure(std::strtoull(argv[i], nullptr, 10), std::strtoull(argv[i + 1], nullptr, 10)));
}
