#include "agent/decisions/log_keeping.hpp"

#include <algorithm>
#include <numeric>

namespace deployminator::agent {

namespace {

std::uint64_t size_of(const stored_log& log) {
  return std::accumulate(
    log.files.begin(), log.files.end(), std::uint64_t{0},
    [](std::uint64_t sum, const stored_log_file& file) { return sum + file.bytes; });
}

/// The files that go on without, the oldest first.
std::vector<const stored_log_file*> spare_files(const std::vector<stored_log>& logs) {
  std::vector<const stored_log_file*> out;
  for (const auto& log : logs)
    for (std::size_t n = 0; !log.is_gone && n + 1 < log.files.size(); ++n)
      out.push_back(&log.files[n]);
  std::stable_sort(out.begin(), out.end(),
                   [](const auto* a, const auto* b) { return a->written < b->written; });
  return out;
}

} // namespace

log_removals logs_to_remove(std::vector<stored_log> logs, const log_limits& limits,
                            messages::timestamp now) {
  log_removals out;
  std::uint64_t all = 0;
  for (const auto& log : logs)
    all += size_of(log);
  std::stable_sort(logs.begin(), logs.end(),
                   [](const auto& a, const auto& b) { return a.last < b.last; });
  auto longest = std::chrono::microseconds{limits.after_end}.count();
  for (const auto& log : logs) {
    bool is_old = now.microseconds - log.last.microseconds > longest;
    if (!log.is_gone || (!is_old && all <= limits.of_all))
      continue;
    out.logs.push_back(log.id);
    all -= size_of(log);
  }
  for (const auto* file : spare_files(logs)) {
    if (all <= limits.of_all)
      break;
    out.files.push_back(file->path);
    all -= file->bytes;
  }
  return out;
}

} // namespace deployminator::agent
