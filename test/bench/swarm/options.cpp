#include "test/bench/swarm/options.hpp"

#include "test/bench/swarm/benchmark.hpp"

#include <CLI/CLI.hpp>

namespace deployminator::bench {

namespace {

/// Machines have a number of 16 bits, one of which asks questions; one more joins.
constexpr std::uint64_t most_machines = 60'000;

} // namespace

std::optional<options> read_options(int argc, char** argv, int& exit_code) {
  options out;
  out.rows = row_names();
  auto seconds = out.deadline.count();
  CLI::App app{"Measures the server with many machines; test/bench/README.md explains the rows."};
  app.add_option("--machines", out.machines, "how many agents are played")
    ->check(CLI::Range(std::uint64_t{1}, most_machines));
  app.add_option("--instances", out.instances, "how many instances are deployed")
    ->check(CLI::PositiveNumber);
  app.add_option("--groups", out.groups, "how many groups they are spread over")
    ->check(CLI::PositiveNumber);
  app.add_option("--rows", out.rows, "only these rows, separated by commas")
    ->delimiter(',')
    ->check(CLI::IsMember(row_names()));
  app.add_option("--deadline", seconds, "seconds that a row may take")->check(CLI::PositiveNumber);
  app.add_option("--bin", out.bin, "where deployminator is")->required();
  app.add_flag("--json", out.json, "print an object a line instead of a table");
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& e) {
    exit_code = app.exit(e);
    return std::nullopt;
  }
  out.deadline = std::chrono::seconds{seconds};
  return out;
}

} // namespace deployminator::bench
