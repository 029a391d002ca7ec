#include "cli/verdict.hpp"

#include "cli/text.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <set>
#include <string_view>

namespace deployminator::cli {

using namespace messages;
using shown_state = messages::instance_state;

namespace {

/// Failed instances whose output is printed at the end.
constexpr std::size_t failures_shown = 3;

std::vector<instance_row> rows_of(const standing& now, std::uint64_t version) {
  auto out = now.instances;
  std::erase_if(out, [&](const auto& each) { return each.version != version; });
  return out;
}

/// Where instances are out of reach that are not of the version.
std::set<std::string> lost_machines(const standing& now, std::uint64_t version) {
  std::set<std::string> out;
  for (const auto& each : now.instances)
    if (each.state == shown_state::lost && (version == 0 || each.version != version))
      out.insert(printable(each.machine));
  return out;
}

/// `1 instance may still run on w1, which cannot be reached, until it is back`.
std::string leftover_text(std::uint64_t left, const std::set<std::string>& machines) {
  auto where = machines.empty()
                 ? std::string{"on machines that cannot be reached, until those are back"}
                 : fmt::format("on {}, which cannot be reached, until it is back",
                               fmt::join(machines, ", "));
  return fmt::format("{} may still run {}", counted(left, "instance"), where);
}

std::string stopped_text(const ended_rollout& r, const std::optional<standing>& now,
                         const std::string& took) {
  auto what = r.done.empty() ? std::string{"undeployed"} : r.done;
  auto machines = now ? lost_machines(*now, 0) : std::set<std::string>{};
  if (r.end.left > 0)
    return fmt::format("{}: {}, but {} ({})\n", to_text(r.name), what,
                       leftover_text(r.end.left, machines), took);
  if (r.done.empty() && now && now->instances.empty())
    return fmt::format("{}: undeployed, nothing of it runs any more ({})\n", to_text(r.name), took);
  // An undeploy's reason says what it is.
  auto said = r.done.empty() ? "" : what + ", ";
  return fmt::format("{}: {}{} ({})\n", to_text(r.name), said, printable(r.end.reason), took);
}

/// `3 instances on 2 machines`, and how many of them are not ready by now.
std::string count_text(const std::vector<instance_row>& rows) {
  std::set<std::string> machines;
  for (const auto& each : rows)
    machines.insert(each.machine);
  auto proven = std::ranges::count_if(
    rows, [](const auto& i) { return i.state == shown_state::ready || i.job; });
  auto all = static_cast<std::ptrdiff_t>(rows.size());
  return fmt::format("{} on {}{}", counted(rows.size(), "instance"),
                     counted(machines.size(), "machine"),
                     proven == all ? "" : fmt::format(", of which {} not ready now", all - proven));
}

/// Lines of a program's output, set apart.
std::string output_text(std::string_view output) {
  std::string out;
  while (!output.empty()) {
    auto end = std::min(output.find('\n'), output.size());
    out += "    | " + printable(output.substr(0, end)) + "\n";
    output.remove_prefix(std::min(end + 1, output.size()));
  }
  return out;
}

/// Why a job failed, the last time that was seen.
std::string job_failure_text(const instance_row& job,
                             const std::map<std::string, instance_change>& failed) {
  auto found = failed.find(job.id);
  bool is_now = job.state == shown_state::failed || found == failed.end();
  return printable(is_now ? job.reason : found->second.reason);
}

/// A sentence about each job: what is deployed is not yet done.
std::string jobs_text(const ended_rollout& r, const std::vector<instance_row>& rows) {
  std::string out;
  for (const auto& each : rows) {
    if (!each.job)
      continue;
    auto name = printable(each.application);
    switch (state_of_job(each, r.failed)) {
      case job_state::done:
        out += fmt::format("    its job {} is done\n", name);
        break;
      case job_state::failed:
        out += fmt::format("    its job {} failed: {}; its log: deploy logs {}\n", name,
                           job_failure_text(each, r.failed), printable(each.id));
        break;
      case job_state::running:
        out += fmt::format("    its job {} still runs, and how it ends is not known yet: deploy "
                           "instances {}\n",
                           name, printable(each.namespace_ + "/" + each.group));
    }
  }
  for (const auto& each : r.cut_off)
    out += fmt::format("    its job {} was stopped before it had ended: {}\n",
                       printable(each.application), printable(each.reason));
  return out;
}

/// What the jobs that failed printed last.
std::string job_output(const ended_rollout& r, const std::vector<instance_row>& rows) {
  std::string out;
  for (const auto& each : rows) {
    auto found = r.failed.find(each.id);
    if (each.job && found != r.failed.end() && !found->second.output.empty()
        && state_of_job(each, r.failed) == job_state::failed)
      out += fmt::format("{} on {}:\n{}", printable(each.id), printable(each.machine),
                         output_text(found->second.output));
  }
  return out;
}

std::string success_text(const ended_rollout& r, const std::optional<standing>& now,
                         const std::string& took) {
  if (!now)
    return fmt::format("{}: version {}: {} ({})\n", to_text(r.name), r.version,
                       printable(r.end.reason), took);
  auto rows = rows_of(*now, r.version);
  auto build = rows.empty() ? "" : fmt::format(" (build {})", rows.front().build);
  bool has_ended = r.cut_off.empty() && std::ranges::all_of(rows, [&](const auto& i) {
                     return !i.job || state_of_job(i, r.failed) == job_state::done;
                   });
  auto out = job_output(r, rows)
             + fmt::format("{}: version {}{} is {}, {} ({})\n", to_text(r.name), r.version, build,
                           has_ended ? "deployed" : "rolled out", count_text(rows), took);
  if (r.end.left > 0)
    out
      += "    of former ones, " + leftover_text(r.end.left, lost_machines(*now, r.version)) + "\n";
  return out + jobs_text(r, rows);
}

std::string failure_text(const instance_change& c) {
  auto why = c.reason.empty() && c.exit ? fmt::format("exit {}", *c.exit) : printable(c.reason);
  auto out = fmt::format("{} on {}: {}\n", printable(c.id), printable(c.machine), why)
             + output_text(c.output);
  bool has_run = c.exit || !c.output.empty();
  if (has_run)
    out += "    its log: deploy logs " + printable(c.id) + "\n";
  return out;
}

/// What serves, where the new version does not.
std::string remaining_text(const group_row& g) {
  if (g.deployed_version == 0)
    return "; nothing is deployed";
  return fmt::format("; version {} {}, {} of {} ready", g.deployed_version,
                     g.ready > 0 ? "still serves" : "stays deployed", g.ready,
                     counted(g.wanted, "instance"));
}

std::string defeat_text(const ended_rollout& r, const std::optional<standing>& now) {
  std::string out;
  std::size_t shown = 0;
  for (const auto& [id, change] : r.failed)
    if (shown++ < failures_shown)
      out += failure_text(change);
  auto what = r.version == 0 ? std::string{"undeploying"}
                             : fmt::format("the rollout of version {}", r.version);
  bool tells_rest = now && r.end.outcome != rollout_outcome::superseded;
  return out
         + fmt::format("{}: {} {}{}\n", to_text(r.name), what,
                       printable(end_text(r.end.outcome, r.end.reason)),
                       tells_rest ? remaining_text(now->group) : "");
}

} // namespace

std::string end_text(rollout_outcome outcome, const std::string& reason) {
  std::string how{to_text(outcome)};
  if (reason.starts_with(how))
    return reason;
  return reason.empty() ? how : how + ": " + reason;
}

job_state state_of_job(const instance_row& job,
                       const std::map<std::string, instance_change>& failed) {
  if (job.state == shown_state::stopped && job.exit == 0)
    return job_state::done;
  bool has_failed = job.state == shown_state::failed || failed.contains(job.id);
  return has_failed ? job_state::failed : job_state::running;
}

std::vector<instance_row> jobs_of(const standing& now, std::uint64_t version) {
  auto out = rows_of(now, version);
  std::erase_if(out, [](const auto& i) { return !i.job; });
  return out;
}

std::string verdict_of(const ended_rollout& r, const std::optional<standing>& now,
                       const std::string& took) {
  if (r.end.outcome != rollout_outcome::succeeded)
    return defeat_text(r, now);
  return r.version == 0 || !r.done.empty() ? stopped_text(r, now, took)
                                           : success_text(r, now, took);
}

} // namespace deployminator::cli
