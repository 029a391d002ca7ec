/// Plays many agents against the real server and measures it; `test/bench/swarm.sh` builds and
/// starts this.

#include "test/bench/swarm/benchmark.hpp"
#include "test/bench/swarm/options.hpp"

#include <fmt/format.h>

#include <cstdio>
#include <exception>
#include <stdexcept>

#include <sys/resource.h>

namespace {

using namespace deployminator;

/// For the server's and our own ends, as the server inherits the limit.
void allow_open_files(std::uint64_t machines) {
  constexpr std::uint64_t others = 200;
  rlimit files{};
  getrlimit(RLIMIT_NOFILE, &files);
  if (files.rlim_max < machines + others)
    throw std::runtime_error(
      fmt::format("{} machines need more open files than the {} allowed; raise the limit (ulimit "
                  "-Hn), or play fewer",
                  machines, files.rlim_max));
  files.rlim_cur = files.rlim_max;
  setrlimit(RLIMIT_NOFILE, &files);
}

} // namespace

int main(int argc, char** argv) {
  int exit_code = 0;
  auto chosen = bench::read_options(argc, argv, exit_code);
  if (!chosen)
    return exit_code;
  try {
    allow_open_files(chosen->machines);
    return bench::run_benchmark(*chosen) ? 0 : 1;
  } catch (const std::exception& e) {
    std::fprintf(stderr, "swarm: %s\n", e.what());
    return 2;
  }
}
