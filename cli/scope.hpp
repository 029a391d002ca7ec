#pragma once

#include "cli/group_name.hpp"
#include "messages/event.hpp"
#include "messages/farm.hpp"

#include <set>
#include <string>
#include <vector>

namespace deployminator::cli {

/// Which events a viewer wants.
class scope {
public:
  /// Everything there is.
  scope() = default;
  /// What concerns one group, or the groups of a namespace where `group` is empty, and the
  /// machines.
  explicit scope(group_name only);
  /// What belongs to the rollouts an order began.
  explicit scope(std::vector<messages::group_version> rollouts);

  /// Who follows rollouts hears of the server, and of these machines, from now on.
  void add_machines(std::set<std::string> machines);

  /// Whether `e` belongs in it. Of a rollout these are its own steps and instances, and the ends of
  /// the group's other instances, which make place for them.
  bool concerns(const messages::event& e) const;

private:
  bool is_of_machines(const messages::event& e) const;
  bool is_of_rollout(const messages::event& e, const messages::group_version& rollout) const;

  group_name only_;
  std::vector<messages::group_version> rollouts_;
  std::set<std::string> machines_;
};

} // namespace deployminator::cli
