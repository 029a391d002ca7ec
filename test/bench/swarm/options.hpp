#pragma once

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

namespace deployminator::bench {

struct options {
  std::uint64_t machines = 100;
  std::uint64_t instances = 1000;
  std::uint64_t groups = 1;
  /// The selected rows, in any order.
  std::vector<std::string> rows;
  /// One object a line instead of a table.
  bool json = false;
  /// Where `deployminator` is.
  std::filesystem::path bin;
  /// How long a row may take.
  std::chrono::seconds deadline{60};
};

/// Reads the command line; nothing where it was wrong or asked for help, which is told then, with
/// the exit code.
std::optional<options> read_options(int argc, char** argv, int& exit_code);

} // namespace deployminator::bench
