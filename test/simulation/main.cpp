#include <CLI/CLI.hpp>
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <optional>
#include <string>
#include <vector>

#include "simulation/farm.hpp"
#include "simulation/plan.hpp"
#include "simulation/shrink.hpp"

namespace {

using namespace deployminator::simulation;

/// Exit codes: 0 all promises were kept, 1 one was not, 2 wrong usage.
constexpr int broken_promise = 1;

struct options {
  std::uint64_t seed = 1;
  std::uint64_t seeds = 1;
  std::optional<std::size_t> machines;
  bool trace = false;
  bool shrinks = true;
  bool twice = false;
  bool first = false;
  /// The numbers of the faults to keep, or `none`; empty: all.
  std::vector<std::string> faults;
};

void keep_faults(plan& p, const std::vector<std::string>& wanted) {
  if (!wanted.empty())
    std::erase_if(p.faults, [&](const fault& f) {
      return std::find(wanted.begin(), wanted.end(), std::to_string(f.number)) == wanted.end();
    });
}

std::string command_for(const options& o, const plan& p) {
  std::vector<std::string> numbers;
  for (const auto& each : p.faults)
    numbers.push_back(std::to_string(each.number));
  return fmt::format("farm_simulation --seed {}{} --faults {} --trace", p.seed,
                     o.machines ? fmt::format(" --machines {}", *o.machines) : std::string{},
                     numbers.empty() ? std::string{"none"}
                                     : fmt::format("{}", fmt::join(numbers, ",")));
}

/// Says which promise was broken, by which faults, and how to see it.
void tell(const options& o, const plan& p, const violation& v) {
  fmt::print("seed {}: at {} s: {}: {}\n", p.seed, to_text(v.when), v.rule, v.what);
  auto breaks_it = [&](const plan& fewer) {
    auto out = run(fewer);
    return out.broken && out.broken->rule == v.rule;
  };
  auto small = o.shrinks && !o.first ? shrink(p, breaks_it) : p;
  for (const auto& each : small.faults)
    fmt::print("  {}\n", to_text(each));
  fmt::print("  {}\n", command_for(o, small));
  std::fflush(stdout);
}

/// Whether the promises were kept with this seed.
bool simulate(const options& o, std::uint64_t seed) {
  auto p = make_plan(seed, o.machines);
  keep_faults(p, o.faults);
  trace::reader lines;
  if (o.trace)
    lines = [](const std::string& line) { fmt::print("{}\n", line); };
  auto out = run(p, lines);
  if (o.twice && !out.broken) {
    auto again = run(p);
    if (again.trace_hash != out.trace_hash)
      out.broken = violation{p.end, "the same seed gives the same trace", "it did not"};
  }
  if (out.broken)
    tell(o, p, *out.broken);
  return !out.broken;
}

} // namespace

int main(int argc, char** argv) {
  options o;
  CLI::App app{"Runs farms of real servers and agents in virtual time, with faults between any two "
               "steps, and checks every promise.\n\nExit codes: 0 all were kept, 1 one was not, "
               "2 wrong usage."};
  app.add_option("--seed", o.seed, "the first seed")->capture_default_str();
  app.add_option("--seeds", o.seeds, "how many seeds")->capture_default_str();
  app.add_option("--machines", o.machines, "machines in each farm; drawn from the seed by default")
    ->check(CLI::Range(3, 1000));
  app.add_flag("--trace", o.trace, "tell what happens, line by line");
  app.add_option("--faults", o.faults, "only these faults of the seed: 3,7 or none")
    ->delimiter(',')
    ->check(CLI::Range(1, 1'000'000) | CLI::IsMember({"none"}));
  app.add_flag("!--no-shrink", o.shrinks, "do not look for the few faults that matter");
  app.add_flag("--first", o.first,
               "end with the first seed that breaks a promise, and do not shrink");
  app.add_flag("--twice", o.twice, "run each seed twice and compare the traces");
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& e) {
    return app.exit(e) == 0 ? 0 : 2;
  }
  auto begin = std::chrono::steady_clock::now();
  std::uint64_t failed = 0;
  for (auto seed = o.seed; seed < o.seed + o.seeds && !(failed && o.first); ++seed)
    failed += simulate(o, seed) ? 0 : 1;
  std::chrono::duration<double> took = std::chrono::steady_clock::now() - begin;
  fmt::print("{} seeds, {} failed, {:.1f} seeds per second\n", o.seeds, failed,
             static_cast<double>(o.seeds) / took.count());
  return failed ? broken_promise : 0;
}
