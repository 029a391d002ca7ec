#pragma once

#include "messages/application.hpp"
#include "messages/instance.hpp"

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace deployminator::agent {

/// The exits of an instance's program that the restart rules count: all but those that are as they
/// should be.
struct exit_count {
  using time_point = std::chrono::steady_clock::time_point;

  /// Since it was last ready.
  std::uint32_t since_ready = 0;
  /// When they were, within `give_up_window`.
  std::vector<time_point> recent;
};

/// The count as an earlier agent noted it. Its times are not known, so all count as of now.
exit_count recalled_exits(std::uint32_t since_ready, const messages::restart_rules& rules,
                          exit_count::time_point now);

/// What the restart rules say of an exit.
struct restart_verdict {
  /// The program is not started again.
  bool over = false;
  /// Because it ended too often.
  bool gave_up = false;
  /// Where it is not over: how long until the next start.
  std::chrono::milliseconds wait{0};
  /// What others see of the instance from now on.
  messages::instance_state state = messages::instance_state::failed;
  std::string reason;
};

/// Applies the restart rules of `app` to its program's end and counts it. `exit`: its code, or 128
/// + signal number; nothing: it could not be started, or nobody knows. `reason`: the same in words.
restart_verdict after_exit(const messages::program& app, std::optional<int> exit,
                           const std::string& reason, exit_count& exits,
                           exit_count::time_point now);

/// The same for an end that an earlier agent counted, and did not give the program up for.
restart_verdict after_known_exit(const messages::program& app, std::optional<int> exit,
                                 const std::string& reason, const exit_count& exits);

/// The wait before attempt `n` (from 1): it doubles from the first to the last.
std::chrono::milliseconds back_off(std::chrono::milliseconds first, std::chrono::milliseconds last,
                                   std::uint32_t n);

/// "10m", "90s", for people.
std::string length_text(std::chrono::milliseconds length);

} // namespace deployminator::agent
