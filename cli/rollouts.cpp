#include "cli/rollouts.hpp"

#include "cli/tables.hpp"

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

rollouts::rollouts(std::vector<group_version> begun, std::string done)
  : begun_(std::move(begun)), done_(std::move(done)) {}

bool rollouts::take(const event& e) {
  if (auto* change = std::get_if<instance_change>(&e.what))
    if (change->to == messages::instance_state::failed)
      failed_[{e.namespace_, e.group}].insert_or_assign(change->id, *change);
  if (auto* end = std::get_if<rollout_finished>(&e.what))
    finished_[{e.namespace_, e.group}] = *end;
  return finished_.size() >= begun_.size();
}

exit_code rollouts::exit() const {
  auto out = exit_code::done;
  for (const auto& each : begun_) {
    auto end = finished_.find({each.namespace_, each.group});
    if (end == finished_.end())
      continue;
    out = worse_of(out, exit_of(end->second.outcome));
    bool is_to_stop = each.version == 0 || !done_.empty();
    // The server has given up waiting for their machines; they stop when those are back.
    if (is_to_stop && end->second.left > 0)
      out = worse_of(out, exit_code::gave_up);
    auto now = standings_.find(end->first);
    if (now != standings_.end() && !failed_jobs(now->second, each.version).empty())
      out = worse_of(out, exit_code::failed);
  }
  return out;
}

void rollouts::look(const group_name& name, standing now) {
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
    auto failed = failed_.find(name);
    auto now = standings_.find(name);
    out += verdict_of({name, each.version, done_, finished_.at(name),
                       failed == failed_.end() ? instance_changes{} : failed->second},
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
