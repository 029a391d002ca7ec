#include "actors/decisions/progress_record.hpp"

#include <algorithm>

namespace deployminator::actors {

namespace {

/// Downloads whose end was never heard of are forgotten beyond so many.
constexpr std::size_t most_downloads = 20'000;

} // namespace

bool progress_record::is_worth_keeping(const messages::event& e,
                                       const messages::download_progress& progress) {
  download key{e.namespace_, e.group, e.version, progress.machine, progress.artifact};
  auto total = progress.total.value_or(0);
  if (progress.total && progress.bytes >= total) {
    kept_.erase(key);
    return true;
  }
  auto quarters = total == 0 ? 0 : progress.bytes / (total / 4 + 1);
  auto [at, is_new] = kept_.try_emplace(key, quarters);
  bool is_further = quarters > at->second;
  at->second = std::max(at->second, quarters);
  if (kept_.size() > most_downloads)
    kept_.erase(kept_.begin());
  return is_new || is_further;
}

} // namespace deployminator::actors
