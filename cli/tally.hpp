#pragma once

#include "cli/board.hpp"
#include "messages/event.hpp"

#include <map>
#include <set>
#include <string>
#include <vector>

namespace deployminator::cli {

/// Tells of a rollout of many instances in numbers, where a line for each change would hide what
/// is worth a look: how far it is, once a second at most.
class tally {
public:
  /// Whether the event, which the board knows already, is told in numbers and not by itself. What
  /// failed or is lost is told by itself, and once why a fetch does not get on.
  bool takes(const messages::event& e, const board& known);

  /// What is to be said at `now`.
  std::vector<std::string> due(const board& known, messages::timestamp now);

private:
  /// Whether it is a step after the first of those that start instances.
  bool starts_more(const messages::event& e, const group_name& name);

  /// The groups that had many instances at some time.
  std::set<group_name> many_;
  std::set<group_name> changed_;
  std::map<group_name, std::string> said_;
  /// Whether the last step of the group's rollout started instances.
  std::map<group_name, bool> starting_;
  std::set<std::string> problems_;
  messages::timestamp said_at_;
};

} // namespace deployminator::cli
