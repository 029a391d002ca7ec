#include "cli/rollouts.hpp"

#include "cli/tables.hpp"

#include <algorithm>
#include <utility>

namespace deployminator::cli {

using namespace messages;

namespace {

/// Of several outcomes the highest counts for all.
int weight_of(const rollout_finished* end) {
  if (end == nullptr)
    return 4;
  switch (end->outcome) {
    case rollout_outcome::failed:
      return 3;
    case rollout_outcome::reverted:
      return 2;
    case rollout_outcome::superseded:
      return 1;
    case rollout_outcome::succeeded:
      break;
  }
  return 0;
}

} // namespace

rollouts::rollouts(std::vector<group_version> begun, std::string done, rollout_outcome wanted)
  : begun_(std::move(begun)), done_(std::move(done)), wanted_(wanted) {}

void rollouts::take(const event& e) {
  group_name name{e.namespace_, e.group};
  if (const auto* change = std::get_if<instance_change>(&e.what))
    take(name, *change);
  if (const auto* end = std::get_if<rollout_finished>(&e.what))
    finished_[name] = *end;
}

void rollouts::take(const group_name& name, const instance_change& change) {
  bool has_failed = change.to == messages::instance_state::failed;
  bool has_ended = has_failed || change.to == messages::instance_state::stopped;
  if (has_failed)
    failed_[name].insert_or_assign(change.id, change);
  if (has_ended && open_jobs_.erase(change.id) > 0 && !has_failed && change.exit != 0)
    cut_off_[name].push_back(change);
}

bool rollouts::have_ended() const {
  return finished_.size() >= begun_.size();
}

void rollouts::await_jobs() {
  awaits_jobs_ = true;
}

bool rollouts::waits_for_jobs() const {
  return !open_jobs_.empty();
}

std::chrono::duration<double> rollouts::patience() const {
  std::chrono::duration<double> out{0};
  for (const auto& [id, job] : open_jobs_)
    out = std::max(out, std::chrono::duration<double>{job.deadline.value_or(0)});
  return out;
}

const rollouts::instance_changes& rollouts::failed_in(const group_name& name) const {
  static const instance_changes none;
  auto found = failed_.find(name);
  return found == failed_.end() ? none : found->second;
}

exit_code rollouts::exit() const {
  auto out = exit_code::done;
  for (const auto& each : begun_) {
    auto end = finished_.find({each.namespace_, each.group});
    if (end == finished_.end())
      continue;
    if (end->second.outcome != wanted_)
      out = worse_of(out, exit_of(end->second.outcome));
    bool is_to_stop = each.version == 0 || !done_.empty();
    // The server has given up waiting for their machines; they stop when those are back.
    if (is_to_stop && end->second.left > 0)
      out = worse_of(out, exit_code::gave_up);
    if (auto now = standings_.find(end->first); now != standings_.end())
      for (const auto& job : jobs_of(now->second, each.version))
        if (state_of_job(job, failed_in(end->first)) == job_state::failed)
          out = worse_of(out, exit_code::failed);
    if (cut_off_.contains(end->first))
      out = worse_of(out, exit_code::failed);
  }
  return out;
}

json rollouts::jobs() const {
  auto out = json::array();
  if (!awaits_jobs_)
    return out;
  for (const auto& each : begun_)
    if (auto now = standings_.find({each.namespace_, each.group}); now != standings_.end())
      for (const auto& job : jobs_of(now->second, each.version))
        out.push_back(to_json(job));
  return out;
}

void rollouts::look(const group_name& name, standing now) {
  bool awaits = awaits_jobs_ && finished_[name].outcome == rollout_outcome::succeeded;
  for (const auto& each : begun_)
    if (awaits && name == group_name{each.namespace_, each.group})
      for (auto& job : jobs_of(now, each.version))
        if (job.deadline && state_of_job(job, failed_in(name)) == job_state::running)
          open_jobs_.insert_or_assign(job.id, std::move(job));
  standings_.insert_or_assign(name, std::move(now));
}

void rollouts::look(client& server) {
  for (const auto& [name, end] : finished_)
    try {
      auto groups = ask_table(server, query_subject::status, name).groups;
      auto instances = ask_table(server, query_subject::instances, name).instances;
      if (!groups.empty())
        look(name, {std::move(groups.front()), std::move(instances)});
    } catch (const setback&) {
      // How it ended is known all the same.
      return;
    }
}

std::string rollouts::summary(const std::string& took) const {
  std::string out;
  for (const auto& each : begun_) {
    group_name name{each.namespace_, each.group};
    auto now = standings_.find(name);
    auto cut_off = cut_off_.find(name);
    out
      += verdict_of({name, each.version, done_, finished_.at(name), failed_in(name),
                     cut_off == cut_off_.end() ? std::vector<instance_change>{} : cut_off->second},
                    now == standings_.end() ? std::nullopt : std::optional{now->second}, took);
  }
  return out;
}

std::optional<json> rollouts::last_line(const std::string& unseen, timestamp now) const {
  bool is_said = unseen.empty() && begun_.size() == 1;
  if (is_said || begun_.empty())
    return std::nullopt;
  auto all = json::array();
  int heaviest = -1;
  std::size_t worst = 0;
  for (const auto& each : begun_) {
    auto found = finished_.find({each.namespace_, each.group});
    const auto* end = found == finished_.end() ? nullptr : &found->second;
    auto row = to_json(each);
    row["outcome"] = end ? to_text(end->outcome) : "unknown";
    row["reason"] = end ? end->reason : unseen;
    if (auto weight = weight_of(end); weight > heaviest) {
      heaviest = weight;
      worst = all.size();
    }
    all.push_back(std::move(row));
  }
  json out{{"type", rollout_finished::type}, {"time", to_text(now)}};
  out.update(all[worst]);
  if (all.size() > 1)
    out["rollouts"] = std::move(all);
  return out;
}

} // namespace deployminator::cli
