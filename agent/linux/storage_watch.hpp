#pragma once

#include "agent/linux/directories.hpp"
#include "agent/outside.hpp"

#include <optional>
#include <set>
#include <string>
#include <vector>

namespace deployminator::agent {

/// Looks at the directories that the agent and its instances write to, and at their disks.
class storage_watch : public storage_check {
public:
  explicit storage_watch(directories where) : where_(std::move(where)) {}

  std::vector<messages::machine_trouble> look() override;

private:
  std::optional<messages::machine_trouble> look_at_disk(const std::string& path, int directory);

  directories where_;
  /// The disks that were full when they were looked at last: those by which they are known.
  std::set<std::string> full_;
};

} // namespace deployminator::agent
