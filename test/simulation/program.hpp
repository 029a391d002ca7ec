#pragma once

#include <array>
#include <cstdint>
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

/// What the checks of a program's health see.
enum class health_nature {
  /// Nobody checks it.
  unchecked,
  /// It is bad for some seconds now and then.
  flaps,
  /// The same, and what is bad does not answer.
  hangs,
};

inline constexpr std::array<std::string_view, 3> health_names{"unchecked", "flaps", "hangs"};

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
  health_nature health = health_nature::unchecked;
  /// So many checks in a row that an agent has heard of were bad, in this run.
  std::uint32_t bad_checks = 0;
};

/// As the plan's applications have it in deploy.yaml.
inline constexpr std::uint32_t bad_checks_allowed = 2;

/// Whether an agent knows enough to take it for unhealthy.
inline bool is_known_bad(const program& p) {
  return p.bad_checks >= bad_checks_allowed;
}

/// By instance id, those that are gone too.
using programs = std::map<std::string, program>;

/// Whether it was ready once, counted to `now`.
bool was_ready(const program& p, moment now);

} // namespace deployminator::simulation
