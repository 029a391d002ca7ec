#include "agent/decisions/control_group.hpp"

#include "agent/decisions/launch.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <csignal>
#include <optional>

namespace deployminator::agent {

using messages::resource_limits;
using messages::unlimited;

namespace {

/// In microseconds: within so long a share of processor time has to be kept.
constexpr std::uint64_t cpu_period = 100'000;
constexpr std::uint64_t mib = 1024 * 1024;

std::vector<std::string_view> parts_of(std::string_view text, char between) {
  std::vector<std::string_view> out;
  while (!text.empty()) {
    auto end = std::min(text.find(between), text.size());
    if (end > 0)
      out.push_back(text.substr(0, end));
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  return out;
}

bool has_word(std::string_view text, std::string_view word, char between = ' ') {
  auto words = parts_of(text, between);
  return std::ranges::find(words, word) != words.end();
}

/// A line of mountinfo: where something is mounted, of which type, with which options.
struct mount_line {
  std::string_view where;
  std::string_view type;
  std::string_view options;
};

std::optional<mount_line> mount_in(std::string_view line) {
  constexpr std::string_view separator = " - ";
  auto middle = line.find(separator);
  if (middle == std::string_view::npos)
    return std::nullopt;
  auto before = parts_of(line.substr(0, middle), ' ');
  auto after = parts_of(line.substr(middle + separator.size()), ' ');
  if (before.size() < 5 || after.size() < 3)
    return std::nullopt;
  return mount_line{before[4], after[0], after[2]};
}

template <class Visit>
void each_mount(std::string_view mountinfo, Visit visit) {
  for (auto line : parts_of(mountinfo, '\n'))
    if (auto mount = mount_in(line))
      visit(*mount);
}

bool is_bound(const std::optional<std::uint64_t>& limit) {
  return limit && limit != unlimited;
}

void add_memory(std::vector<group_file>& to, const resource_limits& limits, bool unified) {
  auto memory = real_memory_mb(limits);
  bool bounds_swap = is_bound(limits.max_swap_memory_mb);
  if (memory)
    to.push_back({controller::memory, unified ? "memory.max" : "memory.limit_in_bytes",
                  std::to_string(*memory * mib)});
  if (!bounds_swap)
    return;
  auto swap = *limits.max_swap_memory_mb;
  if (unified)
    to.push_back({controller::memory, "memory.swap.max", std::to_string(swap * mib), true});
  // Version 1 bounds both together only.
  else if (memory)
    to.push_back({controller::memory, "memory.memsw.limit_in_bytes",
                  std::to_string((*memory + swap) * mib), true});
}

void add_cpu(std::vector<group_file>& to, std::uint64_t percent, bool unified) {
  auto quota = percent * cpu_period / 100;
  if (unified)
    return to.push_back({controller::cpu, "cpu.max", fmt::format("{} {}", quota, cpu_period)});
  to.push_back({controller::cpu, "cpu.cfs_period_us", std::to_string(cpu_period)});
  to.push_back({controller::cpu, "cpu.cfs_quota_us", std::to_string(quota)});
}

std::string memory_words(const resource_limits& limits) {
  auto most = real_memory_mb(limits);
  // Another limit, above the instance's own, would be the machine's.
  if (!most)
    return "the machine had no more memory for it";
  if (limits.max_kill_memory_mb)
    return fmt::format("it used more than limits.maxkillmemory ({} MB) of memory", *most);
  return fmt::format("it used more than the {} MB of memory that an instance may use where "
                     "limits.maxkillmemory says nothing else",
                     *most);
}

/// Whether a program says that it got no memory, in the words of the usual languages.
bool speaks_of_memory(std::string_view output) {
  constexpr std::array<std::string_view, 7> words{"bad_alloc",
                                                  "MemoryError",
                                                  "Cannot allocate memory",
                                                  "OutOfMemoryError",
                                                  "cannot allocate memory",
                                                  "out of memory",
                                                  "Out of memory"};
  return std::ranges::any_of(
    words, [&](auto word) { return output.find(word) != std::string_view::npos; });
}

} // namespace

std::string_view name_of(controller each) {
  switch (each) {
    case controller::memory:
      return "memory";
    case controller::pids:
      return "pids";
    case controller::cpu:
      return "cpu";
  }
  return "";
}

const std::string& group_hierarchies::of(controller each) const {
  return each == controller::memory ? memory : each == controller::pids ? pids : cpu;
}

std::string unified_mount_in(std::string_view mountinfo) {
  std::string out;
  each_mount(mountinfo, [&](const mount_line& m) {
    if (m.type == "cgroup2" && out.empty())
      out = m.where;
  });
  return out;
}

group_hierarchies hierarchies_in(std::string_view mountinfo, std::string_view controllers) {
  while (!controllers.empty() && controllers.back() == '\n')
    controllers.remove_suffix(1);
  group_hierarchies out;
  if (auto root = unified_mount_in(mountinfo); !root.empty() && has_word(controllers, "memory")) {
    out.unified = true;
    out.memory = root;
    out.pids = has_word(controllers, "pids") ? root : "";
    out.cpu = has_word(controllers, "cpu") ? root : "";
    return out;
  }
  each_mount(mountinfo, [&](const mount_line& m) {
    if (m.type != "cgroup")
      return;
    for (auto each : all_controllers) {
      auto& place = each == controller::memory ? out.memory
                    : each == controller::pids ? out.pids
                                               : out.cpu;
      if (place.empty() && has_word(m.options, name_of(each), ','))
        place = m.where;
    }
  });
  return out;
}

std::vector<group_file> group_files(const resource_limits& limits, bool unified) {
  std::vector<group_file> out;
  add_memory(out, limits, unified);
  if (is_bound(limits.processes))
    out.push_back({controller::pids, "pids.max", std::to_string(*limits.processes)});
  if (is_bound(limits.cpu_percent))
    add_cpu(out, *limits.cpu_percent, unified);
  return out;
}

std::uint64_t count_in(std::string_view text, std::string_view word) {
  for (auto line : parts_of(text, '\n')) {
    if (!line.starts_with(word) || line.size() <= word.size() || line[word.size()] != ' ')
      continue;
    line.remove_prefix(word.size() + 1);
    std::uint64_t number = 0;
    std::from_chars(line.data(), line.data() + line.size(), number);
    return number;
  }
  return 0;
}

limit_hits hits_between(const group_counts& before, const group_counts& after) {
  return {after.memory_kills > before.memory_kills, after.refused_forks > before.refused_forks};
}

std::string unkept_limits(const resource_limits& limits, const std::vector<controller>& lacking) {
  std::vector<std::string> keys;
  auto lacks = [&](controller each) { return std::ranges::find(lacking, each) != lacking.end(); };
  auto note = [&](controller in, const std::optional<std::uint64_t>& limit, const char* key) {
    if (is_bound(limit) && lacks(in))
      keys.emplace_back(key);
  };
  note(controller::memory, limits.max_kill_memory_mb, "limits.maxkillmemory");
  note(controller::memory, limits.max_swap_memory_mb, "limits.maxswapmemory");
  note(controller::cpu, limits.cpu_percent, "limits.cpu");
  note(controller::pids, limits.processes, "limits.processes");
  return fmt::format("{}", fmt::join(keys, ", "));
}

std::string words_of(const limit_hits& hits, const resource_limits& limits) {
  std::vector<std::string> out;
  if (hits.memory)
    out.push_back("the kernel killed a process of it: " + memory_words(limits));
  if (hits.processes)
    out.push_back(
      fmt::format("it wanted more than limits.processes ({}) processes and threads",
                  limits.processes ? std::to_string(*limits.processes) : "of the machine"));
  return fmt::format("{}", fmt::join(out, "; "));
}

std::string end_words(int exit, const limit_hits& hits, const resource_limits& limits,
                      std::string_view output) {
  auto plain = exit_text(exit);
  auto left = hits;
  auto out = plain;
  if (hits.memory && exit == 128 + SIGKILL) {
    out = "killed: " + memory_words(limits);
    left.memory = false;
  }
  if (left)
    out += "; " + words_of(left, limits);
  if (!hits.memory && exit != 0 && limits.bounds_address_space && speaks_of_memory(output))
    out += fmt::format("; its output speaks of memory: limits.maxmemory gives it {} MB of address "
                       "space",
                       limits.max_memory_mb);
  return out;
}

} // namespace deployminator::agent
