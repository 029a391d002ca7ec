#include "agent/decisions/fetch_watch.hpp"

namespace deployminator::agent {

bool fetch_watch::see(const std::string& key, const download_progress& progress) {
  auto [each, is_new] = transfers_.try_emplace(key);
  if (is_new)
    each->second.speed_of = pace{progress.bytes};
  each->second.progress = progress;
  return is_new;
}

void fetch_watch::forget(const std::string& key) {
  transfers_.erase(key);
}

void fetch_watch::forget_waiter(const std::string& id) {
  told_.erase(id);
}

std::vector<std::pair<std::string, transfer_speed>> fetch_watch::look(moment now) {
  std::vector<std::pair<std::string, transfer_speed>> out;
  for (auto& [key, each] : transfers_) {
    each.speed_of.look(now, each.progress.bytes);
    out.emplace_back(key, each.speed_of.speed());
  }
  return out;
}

fetch_note fetch_watch::note_of(const std::string& key) const {
  auto found = transfers_.find(key);
  if (found == transfers_.end())
    return {};
  const auto& [progress, moves] = found->second;
  if (!progress.problem.empty())
    return {progress.problem + "; it is tried again", moves.is_stuck()};
  bool drips = moves.speed() == transfer_speed::dripping;
  return {drips ? "less than 1 KiB a second comes; see what holds its server or the network up"
                : "",
          moves.is_stuck()};
}

bool fetch_watch::is_news(const std::string& id, const fetch_note& note, moment now) const {
  auto found = told_.find(id);
  if (found == told_.end())
    return true;
  const auto& [last, at] = found->second;
  if (last.stuck != note.stuck || last.reason.empty() != note.reason.empty())
    return true;
  return last.reason != note.reason && now - at >= same_news_after;
}

std::vector<std::pair<std::string, fetch_note>> fetch_watch::news(const fetch_queue& queue,
                                                                  moment now) {
  std::vector<std::pair<std::string, fetch_note>> out;
  auto tell = [&](const spec_ptr& spec, const fetch_note& note) {
    if (!is_news(spec->id, note, now))
      return;
    told_[spec->id] = {note, now};
    out.emplace_back(spec->id, note);
  };
  for (const auto& key : queue.running())
    for (const auto& spec : queue.waiting_for(key))
      if (transfers_.contains(key) || told_.contains(spec->id))
        tell(spec, note_of(key));
  auto in_line = queue.in_line();
  auto why = in_line.empty() ? std::string{} : queue.queue_text();
  for (const auto& spec : in_line)
    tell(spec, {why, note_of(fetch_key(*spec)).stuck});
  return out;
}

} // namespace deployminator::agent
