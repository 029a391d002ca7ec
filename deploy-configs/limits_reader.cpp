#include "deploy-configs/limits_reader.hpp"

#include "deploy-configs/meant_value.hpp"
#include "deploy-configs/values.hpp"

#include <fmt/format.h>

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace deployminator::configs {

namespace {

constexpr std::int64_t max_megabytes = 100'000'000;
/// As many as Linux knows at all.
constexpr std::int64_t most_open_files = 1'073'741'816;
constexpr std::int64_t most_processes = 4'194'304;

/// The text of a limit: a whole number from 0, or `unlimited`.
std::optional<std::uint64_t> parse_limit(const std::string& text, std::int64_t high) {
  if (lower(text) == "unlimited")
    return messages::unlimited;
  auto number = parse_integer(text, 0, high);
  return number ? std::optional{static_cast<std::uint64_t>(*number)} : std::nullopt;
}

/// Reads a limit; 0 stands for what is usual.
template <class Meant>
std::optional<std::uint64_t> read_limit(fields& in, std::string_view key, std::int64_t high,
                                        Meant meant) {
  std::optional<std::uint64_t> out;
  in.read(
    key, out, [&](const std::string& text) { return parse_limit(text, high); },
    fmt::format("a whole number from 0 to {} or `unlimited`", high), meant);
  return out == 0U ? std::nullopt : out;
}

/// What is promised is what it may use at most, as far as the file tells.
void read_memory_limits(fields& in, messages::resource_limits& limits) {
  auto space = read_limit(in, "maxmemory", max_megabytes, size_hint);
  limits.bounds_address_space = space && space != messages::unlimited;
  if (limits.bounds_address_space)
    limits.max_memory_mb = *space;
  limits.max_kill_memory_mb = read_limit(in, "maxkillmemory", max_megabytes, size_hint);
  if (limits.max_kill_memory_mb && limits.max_kill_memory_mb != messages::unlimited && !space)
    limits.max_memory_mb = *limits.max_kill_memory_mb;
  if (space == messages::unlimited && !limits.max_kill_memory_mb)
    limits.max_kill_memory_mb = messages::unlimited;
  // Beside a limit 0 says something: none of it may go to the swap. Alone it stands for nothing, as
  // in files that list every key.
  in.read(
    "maxswapmemory", limits.max_swap_memory_mb,
    [](const std::string& text) { return parse_limit(text, max_megabytes); },
    fmt::format("a whole number from 0 to {} or `unlimited`", max_megabytes), size_hint);
  if (limits.max_swap_memory_mb == 0U && !limits.max_kill_memory_mb)
    limits.max_swap_memory_mb.reset();
}

} // namespace

void read_limits(fields& in, messages::application& app) {
  app.limits.bounds_address_space = false;
  in.nested("limits", [&](fields& below) {
    auto& limits = app.limits;
    auto nothing = [](const std::string&) { return std::optional<std::string>{}; };
    read_memory_limits(below, limits);
    below.read_integer("priority", -20, 19,
                       [&](std::int64_t n) { limits.priority = static_cast<int>(n); });
    limits.open_files = read_limit(below, "openfiles", most_open_files, nothing);
    limits.processes = read_limit(below, "processes", most_processes, nothing);
    below.read("cpu", limits.cpu_percent, parse_cpu_share,
               "a share of one processor such as 50% or 200%, or `unlimited`", cpu_hint);
    limits.core_size_mb = read_limit(below, "coresize", max_megabytes, size_hint);
  });
  if (app.limits.cpu_percent == 0U)
    app.limits.cpu_percent.reset();
}

} // namespace deployminator::configs
