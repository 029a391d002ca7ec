#pragma once

#include "agent/decisions/control_group.hpp"
#include "agent/linux/directories.hpp"

#include <cstdint>
#include <optional>
#include <set>
#include <string>
#include <vector>

namespace deployminator::agent {

/// What this machine's kernel offers an agent that is root; nothing to any other.
group_hierarchies find_hierarchies();

/// An instance's group, made.
struct prepared_group {
  /// The directories that the program is to be put into, one for each hierarchy.
  std::vector<std::string> directories;
  /// What is wanted and cannot be bounded.
  std::vector<controller> lacking;
};

/// The control groups of an agent's instances: `autodeployer-TAG/ID` at the top of each hierarchy
/// that an instance needs, where an agent that is started anew finds them, however it was started.
/// They are not below the service's own group: systemd could not start the service again while
/// there are groups with controllers in it.
class control_groups {
public:
  /// TAG tells agents with other directories apart.
  control_groups(group_hierarchies where, const directories& of);

  [[nodiscard]] const group_hierarchies& where() const {
    return where_;
  }

  /// Makes the group and says its limits, also where it is there already.
  prepared_group prepare(const std::string& id, const messages::resource_limits& limits);

  /// What the group has counted; nothing where there is none.
  [[nodiscard]] group_counts counts(const std::string& id) const;

  /// What its processes keep in memory and cannot be dropped; nothing where that is not counted.
  [[nodiscard]] std::optional<std::uint64_t> memory_bytes(const std::string& id) const;

  /// Those that are there, by instance.
  [[nodiscard]] std::set<std::string> list() const;

  /// Removes a group in which nothing runs; now, or by `tidy` while the kernel still holds it.
  void remove(const std::string& id);
  void tidy();

private:
  [[nodiscard]] std::string parent(controller in) const;
  [[nodiscard]] std::string directory(controller in, const std::string& id) const;
  bool make(controller in, const std::string& id);
  bool try_to_remove(const std::string& id) const;

  group_hierarchies where_;
  std::string name_;
  std::set<std::string> leaving_;
};

} // namespace deployminator::agent
