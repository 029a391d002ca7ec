#pragma once

#include <array>
#include <map>
#include <optional>
#include <string>
#include <string_view>

#include "simulation/timeline.hpp"

namespace deployminator::simulation {

/// How the programs of a build behave.
enum class nature {
  good,
  /// Takes seconds until it runs.
  slow,
  /// Heeds no signal but KILL.
  deaf,
  /// Works for a while, crashes, and so on.
  crashes,
  /// Ends by itself, with exit code 0.
  job,
  /// Ends at once, or before it could count as ready.
  broken,
  short_lived,
};

inline constexpr std::array<std::string_view, 7> nature_names{
  "good", "slow", "deaf", "crashes", "job", "broken", "short-lived"};

/// What really happens with the program of one instance, for the checks: nobody reports it.
struct program {
  std::string machine;
  nature behaves = nature::good;
  moment min_ready{0};
  bool running = false;
  moment started{0};
  std::int64_t pid = 0;
  int launches = 0;
  /// It was alive for `min_ready` once, or did its job.
  bool proved_itself = false;
  /// How it ended last; unset after the machine's reboot, which nobody saw.
  std::optional<int> last_exit;
  /// The machine rebooted or lost its disk's last writes, so what the agent counted may be less.
  bool memory_lost = false;
};

/// By instance id, those that are gone too.
using programs = std::map<std::string, program>;

/// Whether it was ready once, counted to `now`.
bool was_ready(const program& p, moment now);

} // namespace deployminator::simulation
