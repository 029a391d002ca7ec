#pragma once

#include "agent/linux/control_groups.hpp"
#include "agent/outside.hpp"

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace deployminator::agent {

/// A process as /proc/PID/stat tells it.
struct process_stat {
  std::int64_t parent = 0;
  /// In clock ticks; its own, and that of children that it waited for.
  std::uint64_t own_ticks = 0;
  std::uint64_t children_ticks = 0;
  std::uint64_t threads = 0;
  /// In clock ticks since the machine's boot.
  std::uint64_t started = 0;
  /// In pages.
  std::uint64_t resident = 0;
};

/// Of the file's text; a process without parent where it is none.
process_stat process_stat_in(std::string_view text);

/// Measures instances by /proc: whatever descends from an instance's starter belongs to it. Their
/// memory is what their control group has counted where they have one, else the sum of what each of
/// their processes has resident.
class proc_usage_meter : public usage_meter {
public:
  explicit proc_usage_meter(const directories& where);

  std::vector<usage_sample> sample(const std::map<std::string, std::int64_t>& programs) override;

private:
  using processes = std::map<std::int64_t, process_stat>;
  /// By the process that they descend from directly.
  using descent = std::map<std::int64_t, std::vector<std::int64_t>>;

  usage_sample sum(const std::string& id, std::int64_t program, const processes& all,
                   const descent& children) const;

  control_groups groups_;
};

} // namespace deployminator::agent
