#include "cli/rollouts.hpp"

#include "cli/tables.hpp"
#include "cli/text.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <set>
#include <string_view>
#include <utility>

namespace deployminator::cli {

using namespace messages;

namespace {

/// Failed instances whose output is printed at the end.
constexpr std::size_t failures_shown = 3;

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
  for (const auto& [group, end] : finished_)
    out = worse_of(out, exit_of(end.outcome));
  return out;
}

std::string rollouts::summary(client& server, const std::string& took) const {
  std::string out;
  for (const auto& each : begun_) {
    group_name name{each.namespace_, each.group};
    const auto& end = finished_.at(name);
    if (end.outcome == rollout_outcome::succeeded && !done_.empty())
      out += fmt::format("{}: {}, {} ({})\n", to_text(name), done_, printable(end.reason), took);
    else
      out += end.outcome == rollout_outcome::succeeded ? success(server, name, each.version, took)
                                                       : defeat(name, each.version, end);
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

std::string rollouts::success(client& server, const group_name& name, std::uint64_t version,
                              const std::string& took) {
  auto rows = ask_table(server, query_subject::instances, name).instances;
  if (version == 0)
    return undeployed(name, rows, took);
  std::erase_if(rows, [&](const auto& each) { return each.version != version; });
  std::set<std::string> machines;
  std::uint64_t build = 0;
  for (const auto& each : rows) {
    machines.insert(each.machine);
    build = each.build;
  }
  return fmt::format("{}: version {}{} is deployed, {} on {} ({})\n", to_text(name), version,
                     build == 0 ? "" : fmt::format(" (build {})", build),
                     counted(rows.size(), "instance"), counted(machines.size(), "machine"), took);
}

std::string rollouts::undeployed(const group_name& name, const std::vector<instance_row>& left,
                                 const std::string& took) {
  if (left.empty())
    return fmt::format("{}: undeployed, nothing of it runs any more ({})\n", to_text(name), took);
  std::set<std::string> machines;
  for (const auto& each : left)
    machines.insert(printable(each.machine));
  return fmt::format(
    "{}: undeployed, but {} may still run on {}, which cannot be reached, until it "
    "is back ({})\n",
    to_text(name), counted(left.size(), "instance"), fmt::join(machines, ", "), took);
}

std::string rollouts::defeat(const group_name& name, std::uint64_t version,
                             const rollout_finished& end) const {
  std::string out;
  if (auto found = failed_.find(name); found != failed_.end()) {
    std::size_t shown = 0;
    for (const auto& [id, change] : found->second)
      if (shown++ < failures_shown)
        out += failure_text(change);
  }
  // A reason that begins with the outcome says it already.
  auto how = std::string{to_text(end.outcome)};
  if (end.reason.starts_with(how))
    how = printable(end.reason);
  else if (!end.reason.empty())
    how += ": " + printable(end.reason);
  return out
         + fmt::format("{}: {} {}\n", to_text(name),
                       version == 0 ? "undeploying" : fmt::format("version {}", version), how);
}

std::string rollouts::failure_text(const instance_change& c) {
  auto why = c.reason.empty() && c.exit ? fmt::format("exit {}", *c.exit) : printable(c.reason);
  auto out = fmt::format("{} on {}: {}\n", printable(c.id), printable(c.machine), why);
  std::string_view output = c.output;
  while (!output.empty()) {
    auto end = std::min(output.find('\n'), output.size());
    out += "    | " + printable(output.substr(0, end)) + "\n";
    output.remove_prefix(std::min(end + 1, output.size()));
  }
  bool has_run = c.exit || !c.output.empty();
  if (has_run)
    out += "    its log: deploy logs " + printable(c.id) + "\n";
  return out;
}

} // namespace deployminator::cli
