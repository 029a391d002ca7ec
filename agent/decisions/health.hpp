#pragma once

#include "agent/outside.hpp"
#include "messages/application.hpp"

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace deployminator::agent {

/// What is known of the health of an instance's present run. A plain value.
struct health_watch {
  using time_point = std::chrono::steady_clock::time_point;

  /// Numbers what is awaited of the checks; what carries another number is stale.
  std::uint64_t number = 0;
  /// When the run began, as far as this agent knows.
  time_point begun;
  /// When the last check was asked for.
  time_point asked;
  /// Checks that failed in a row.
  std::uint32_t failures = 0;
  /// Since when no check has failed; unset: the last one has, or there was none yet.
  std::optional<time_point> healthy_since;
  /// Since when the instance is ready; unset: it is not.
  std::optional<time_point> ready_since;
  /// It was ready and is not healthy any more, or it was not healthy in time.
  bool unhealthy = false;
  /// It is about to be restarted for that.
  bool restart_due = false;
  /// How often, and when last, others were told what was seen.
  std::uint32_t tellings = 0;
  time_point told;
  /// What the program told by sd_notify's protocol, and when it last gave a sign of life.
  notice said;
  time_point sign;
  /// That was too long ago when it was looked at last.
  bool is_suspect = false;
};

/// What a check's outcome makes of an instance.
enum class health_turn {
  /// It is healthy.
  healthy,
  /// It was not healthy yet, and has time.
  waits,
  /// It failed, but not often enough to be unhealthy.
  stays,
  /// It is unhealthy.
  unhealthy,
};

/// Takes the outcome of a check in. `is_ready`: whether the instance counts as ready until now.
health_turn take_check(health_watch& watch, const messages::health_rules& rules, bool is_ready,
                       bool healthy, health_watch::time_point now);

/// How long until an instance that is healthy counts as ready.
std::chrono::milliseconds missing_to_ready(const health_watch& watch,
                                           std::chrono::milliseconds min_ready,
                                           health_watch::time_point now);

/// How long after its start an instance is checked first: spread in time, so that what starts
/// together is not checked together; the same for the same id.
std::chrono::milliseconds first_check_after(const std::string& id,
                                            const messages::health_rules& rules);

/// How often it is looked at what a program says of itself.
std::chrono::milliseconds look_interval_of(const messages::health_rules& rules);

/// What a watchdog that is looked at makes of an instance: true where the program has given no sign
/// of life for too long, as it was the last time it was looked at. (An agent that was held up finds
/// its timer before the signs that came meanwhile.)
bool is_silent(health_watch& watch, const messages::health_rules& rules,
               health_watch::time_point now);

/// Takes in what the program says of itself; true where it says that it is ready and does not stop.
bool take_notice(health_watch& watch, notice now_said, health_watch::time_point now);

/// Whether what was seen is to be told: some words at once, then one now and then, for a page that
/// never is the same.
bool may_tell(health_watch& watch, health_watch::time_point now);

/// The first line of what came, for people: at most 200 bytes of UTF-8 without control characters;
/// what is cut ends with `…`.
std::string first_line_of(std::string_view text);

/// Whether it was ready for so long that its earlier exits count no more: as long as the longest
/// wait between restarts. So what gets healthy and unhealthy in turn is restarted ever more rarely.
bool has_recovered(const health_watch& watch, const messages::restart_rules& rules,
                   health_watch::time_point now);

} // namespace deployminator::agent
