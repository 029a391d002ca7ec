#pragma once

#include "agent/linux/directories.hpp"
#include "deploy-configs/settings.hpp"

#include <string>
#include <vector>

namespace deployminator::agent {

/// Something that an agent needs, or can use, and whether this machine has it.
struct finding {
  enum class kind {
    good,
    /// Less than could be; the agent works all the same.
    lacking,
    /// The agent cannot work like this.
    bad,
  };

  kind what = kind::good;
  /// Such as `disk`.
  std::string about;
  std::string sentence;
  /// Empty where it is good.
  std::string advice;
};

/// Looks at everything there is to look at, without changing anything; an agent may run meanwhile.
/// Takes a few seconds where a server does not answer.
std::vector<finding> check_machine(const configs::agent_settings& settings,
                                   const directories& where);

/// A line for each finding, with what to do below it.
std::string to_text(const std::vector<finding>& all);

/// Whether nothing stands in an agent's way.
bool can_work(const std::vector<finding>& all);

} // namespace deployminator::agent
