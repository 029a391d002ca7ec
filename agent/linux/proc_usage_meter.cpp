#include "agent/linux/proc_usage_meter.hpp"

#include "agent/linux/files.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <ctime>
#include <dirent.h>
#include <memory>
#include <optional>
#include <unistd.h>
#include <utility>

namespace deployminator::agent {

namespace {

using directory_stream = std::unique_ptr<DIR, int (*)(DIR*)>;

directory_stream open_directory(const std::string& path) {
  return {opendir(path.c_str()), closedir};
}

std::optional<std::int64_t> number_named(const char* name) {
  std::int64_t out = 0;
  std::string_view text{name};
  auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), out);
  return error == std::errc{} && end == text.data() + text.size() ? std::optional{out}
                                                                  : std::nullopt;
}

/// How many descriptors a process has; nothing where this process may not see them, or it is gone.
std::optional<std::uint64_t> open_files_of(std::int64_t pid) {
  auto list = open_directory(fmt::format("/proc/{}/fd", pid));
  if (!list)
    return std::nullopt;
  std::uint64_t out = 0;
  while (const auto* entry = readdir(list.get()))
    out += entry->d_name[0] != '.';
  return out;
}

std::chrono::microseconds time_of(std::uint64_t ticks) {
  static const auto per_second = static_cast<std::uint64_t>(sysconf(_SC_CLK_TCK));
  return std::chrono::microseconds{ticks * 1'000'000 / per_second};
}

std::chrono::microseconds since_boot() {
  timespec now{};
  clock_gettime(CLOCK_BOOTTIME, &now);
  return std::chrono::seconds{now.tv_sec} + std::chrono::microseconds{now.tv_nsec / 1'000};
}

} // namespace

process_stat process_stat_in(std::string_view text) {
  process_stat out;
  // The name in brackets may contain anything.
  auto bracket = text.rfind(')');
  if (bracket == std::string_view::npos)
    return out;
  text.remove_prefix(bracket + 1);
  // The numbers of proc(5); 3, the state, is the first one behind the name.
  int field = 2;
  while (!text.empty() && field < 24) {
    text.remove_prefix(std::min(text.find_first_not_of(" \n"), text.size()));
    auto word = text.substr(0, text.find_first_of(" \n"));
    text.remove_prefix(word.size());
    ++field;
    std::uint64_t number = 0;
    std::from_chars(word.data(), word.data() + word.size(), number);
    switch (field) {
      case 4:
        out.parent = static_cast<std::int64_t>(number);
        break;
      case 14:
      case 15:
        out.own_ticks += number;
        break;
      case 16:
      case 17:
        out.children_ticks += number;
        break;
      case 20:
        out.threads = number;
        break;
      case 22:
        out.started = number;
        break;
      case 24:
        out.resident = number;
        break;
      default:
        break;
    }
  }
  return out;
}

proc_usage_meter::proc_usage_meter(const directories& where) : groups_(find_hierarchies(), where) {}

usage_sample proc_usage_meter::sum(const std::string& id, std::int64_t program,
                                   const processes& all, const descent& children) const {
  static const auto page = static_cast<std::uint64_t>(sysconf(_SC_PAGESIZE));
  const auto& of_program = all.at(program);
  usage_sample out;
  out.id = id;
  out.pid = program;
  out.age = since_boot() - time_of(of_program.started);
  out.open_files = 0;
  std::vector<std::int64_t> waiting{program};
  // What the program lost on the way is its starter's.
  if (auto siblings = children.find(of_program.parent);
      of_program.parent > 1 && siblings != children.end())
    waiting = siblings->second;
  std::uint64_t ticks = 0;
  while (!waiting.empty()) {
    auto pid = waiting.back();
    waiting.pop_back();
    const auto& each = all.at(pid);
    ticks += each.own_ticks + each.children_ticks;
    out.threads += each.threads;
    out.memory_bytes += each.resident * page;
    auto files = open_files_of(pid);
    out.open_files
      = files && out.open_files ? std::optional{*out.open_files + *files} : std::nullopt;
    if (auto below = children.find(pid); below != children.end())
      waiting.insert(waiting.end(), below->second.begin(), below->second.end());
  }
  out.processor_time = time_of(ticks);
  out.memory_bytes = groups_.memory_bytes(id).value_or(out.memory_bytes);
  return out;
}

std::vector<usage_sample>
proc_usage_meter::sample(const std::map<std::string, std::int64_t>& programs) {
  processes all;
  descent children;
  auto list = open_directory("/proc");
  while (const auto* entry = list ? readdir(list.get()) : nullptr) {
    auto pid = number_named(entry->d_name);
    if (!pid)
      continue;
    auto text = read_file(fmt::format("/proc/{}/stat", *pid));
    if (!text)
      continue;
    auto stat = process_stat_in(*text);
    children[stat.parent].push_back(*pid);
    all.emplace(*pid, stat);
  }
  std::vector<usage_sample> out;
  for (const auto& [id, program] : programs)
    if (all.contains(program))
      out.push_back(sum(id, program, all, children));
  return out;
}

} // namespace deployminator::agent
