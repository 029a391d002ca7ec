#pragma once

#include "messages/application.hpp"

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace deployminator::agent {

/// What a kernel's control groups can bound.
enum class controller { memory, pids, cpu };

inline constexpr controller all_controllers[]
  = {controller::memory, controller::pids, controller::cpu};

/// As the kernel calls it.
std::string_view name_of(controller each);

/// Where a machine's control groups are: for each controller the directory below which groups can
/// be made; empty: the kernel or the machine offers none.
struct group_hierarchies {
  /// Version 2: all controllers in one directory.
  bool unified = false;
  std::string memory;
  std::string pids;
  std::string cpu;

  [[nodiscard]] const std::string& of(controller each) const;
  bool operator==(const group_hierarchies&) const = default;
};

/// Where version 2 is mounted, by the text of /proc/self/mountinfo; empty: nowhere.
std::string unified_mount_in(std::string_view mountinfo);

/// The hierarchies by that text, and the text of `cgroup.controllers` of version 2. Those that
/// version 2 has are taken from there, when it has the memory's; else all are those of version 1.
group_hierarchies hierarchies_in(std::string_view mountinfo, std::string_view controllers);

/// A text to be written into one file of a group.
struct group_file {
  controller in = controller::memory;
  std::string name;
  std::string text;
  /// The kernel may be built without it.
  bool may_lack = false;

  bool operator==(const group_file&) const = default;
};

/// How the files of a group say the limits, in the order in which they are to be written. A
/// controller that is needed for nothing has none.
std::vector<group_file> group_files(const messages::resource_limits& limits, bool unified);

/// What a group has counted since it was made.
struct group_counts {
  /// Processes that the kernel killed for the group's memory.
  std::uint64_t memory_kills = 0;
  /// Processes and threads that were refused.
  std::uint64_t refused_forks = 0;

  bool operator==(const group_counts&) const = default;
};

/// `word N` in lines such as those of `memory.events` and `pids.events`: the number, or 0.
std::uint64_t count_in(std::string_view text, std::string_view word);

/// Limits that an instance has hit.
struct limit_hits {
  bool memory = false;
  bool processes = false;

  explicit operator bool() const {
    return memory || processes;
  }
  bool operator==(const limit_hits&) const = default;
};

/// What was hit between the two counts.
limit_hits hits_between(const group_counts& before, const group_counts& after);

/// The limits that somebody asked for, by their keys, and that take one of these controllers.
std::string unkept_limits(const messages::resource_limits& limits,
                          const std::vector<controller>& lacking);

/// Which limits were hit, for people: `it used more than …; it wanted more than …`.
std::string words_of(const limit_hits& hits, const messages::resource_limits& limits);

/// Why it ended: what `exit` alone says, or what is known of limits beside it. `output`: the last
/// lines it printed.
std::string end_words(int exit, const limit_hits& hits, const messages::resource_limits& limits,
                      std::string_view output);

} // namespace deployminator::agent
