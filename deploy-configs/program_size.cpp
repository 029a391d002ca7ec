#include "deploy-configs/program_size.hpp"

#include <fmt/format.h>

namespace deployminator::configs {

namespace {

/// A quarter of an instance's stack limit, 8 MiB, is what execve takes; of that the agent's own
/// variables (a hundred ports, names) and the program's path need less than 64 KiB.
constexpr std::size_t most_bytes = std::size_t{2048 - 64} * 1024;

/// What a message to a machine may hold of them; see messages/README.md.
constexpr std::size_t most_args = 100'000;
constexpr std::size_t most_variables = 10'000;

/// With its end and the pointer to it.
std::size_t cost(std::size_t bytes) {
  return bytes + 1 + sizeof(char*);
}

} // namespace

std::optional<std::string> too_long(std::string_view what, std::size_t bytes) {
  if (bytes < too_long_for_a_program)
    return std::nullopt;
  return fmt::format(
    "{} has {} bytes, and Linux starts no program with more than {} in one; expected "
    "less, such as the name of a file that holds it",
    what, bytes, too_long_for_a_program - 1);
}

std::optional<std::string> too_much(const messages::program& app) {
  if (app.args.size() > most_args || app.env.size() > most_variables)
    return fmt::format("`args` has {} entries and `env` has {}; expected at most {} and {}",
                       app.args.size(), app.env.size(), most_args, most_variables);
  std::size_t sum = 0;
  for (const auto& each : app.args)
    sum += cost(each.size());
  for (const auto& [key, value] : app.env)
    sum += cost(key.size() + 1 + value.size());
  if (sum <= most_bytes)
    return std::nullopt;
  return fmt::format(
    "`args` and `env` take {} bytes together, and Linux starts no program with more "
    "than about {}; expected less, such as the name of a file that holds them",
    sum, most_bytes);
}

} // namespace deployminator::configs
