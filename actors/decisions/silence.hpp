#pragma once

#include "actors/decisions/presence.hpp"
#include "messages/application.hpp"
#include "messages/duration.hpp"
#include "messages/farm.hpp"

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>

/// When what ran on silent machines is placed elsewhere.
namespace deployminator::actors {

/// What the operator says of silent machines.
struct silence_rules {
  /// For applications that say nothing of it; unset: never.
  std::optional<messages::duration> replace_after;
  /// Where more than this part of the machines is silent nothing is replaced: the server takes
  /// itself for cut off.
  std::uint64_t share = 1;
  std::uint64_t share_of = 3;
};

/// Which machines are silent, and what is known of the others.
struct silence {
  silence_rules rules;
  /// By machine: for how long, as far as this server has seen it.
  std::map<std::string, messages::duration> lasting;
  /// Whose instances are not known as they are now: out of reach, or back and not yet heard.
  std::set<std::string> unsure;
  /// Why nothing is replaced, for people; empty: that is not so.
  std::string cut_off;

  /// Whether the application's instances on the machine are to be elsewhere.
  [[nodiscard]] bool has_given_up(const std::string& machine,
                                  const messages::application& app) const;
};

/// After how long an application's instances are replaced; nothing: never.
std::optional<messages::duration> patience_of(const messages::application& app,
                                              const silence_rules& rules);

/// Whether so many of all machines are silent that the server takes itself for cut off.
bool are_too_many(std::uint64_t silent, std::uint64_t machines, const silence_rules& rules);

/// `since`: when each machine fell silent; `unheard`: those that are back and whose report is
/// awaited; `now`: on the same clock, which never jumps.
silence silence_of(const messages::farm& f, const presence& machines,
                   const std::map<std::string, messages::duration>& since,
                   const std::set<std::string>& unheard, const silence_rules& rules,
                   messages::duration now);

/// The silences after which something on the machine is replaced.
std::set<messages::duration> patiences_on(const messages::farm& f, const std::string& machine,
                                          const silence_rules& rules);

} // namespace deployminator::actors
