#include "actors/decisions/upkeep.hpp"

#include "actors/decisions/edit.hpp"
#include "actors/decisions/groups.hpp"
#include "actors/decisions/orders/order.hpp"
#include "actors/decisions/rollout_change.hpp"
#include "actors/decisions/rollout_members.hpp"
#include "actors/decisions/turns.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <set>
#include <tuple>

namespace deployminator::actors {

using namespace messages;

namespace {

constexpr duration first_wait{5'000};
constexpr duration longest_wait{120'000};

/// The instances of an application of the deployed version that are wanted.
struct standing {
  /// On machines of its machine groups, and never proven yet.
  std::size_t unproven = 0;
  /// Of those in place, those that are not proven now.
  std::size_t failing = 0;
  std::size_t in_place = 0;
  /// Of these, those that are known as they are now.
  std::vector<const instance*> certain;
  /// On machines that left them, or drain.
  std::vector<std::string> misplaced;
  /// Of a job: those that are misplaced and over, and how many are misplaced and under way.
  std::vector<std::string> over;
  std::size_t under_way = 0;
  /// On machines that have been silent too long.
  std::size_t given_up = 0;
};

/// Proven now or before: one that fails later is restarted, and may do that again and again.
bool was_proven(const observation& seen) {
  return is_proven(seen) || seen.ready_at;
}

enum class job_stage { waits, under_way, over };

/// One that failed and is to be run again waits, wherever that will be.
job_stage stage_of(const instance& row, const application& app) {
  bool is_failed = row.seen.state == instance_state::failed;
  bool is_over = is_finished_job(row.seen.state, row.seen.exit)
                 || (is_failed && app.restart.policy == restart_policy::never);
  if (is_over)
    return job_stage::over;
  return row.seen.started_at && !is_failed ? job_stage::under_way : job_stage::waits;
}

void note_misplaced(standing& to, const instance& row, const application& app) {
  auto stage = app.always_on ? job_stage::waits : stage_of(row, app);
  if (stage == job_stage::under_way)
    ++to.under_way;
  else
    (stage == job_stage::over ? to.over : to.misplaced).push_back(row.id);
}

standing standing_of(const farm& f, const version& deployed, const application& app,
                     const silence& quiet) {
  standing out;
  for (const auto* each : f.instances.of_group(deployed.group_id)) {
    if (each->version_id != deployed.id || each->application != app.name
        || each->goal == instance_goal::stop)
      continue;
    auto machine = f.machines.find(each->machine);
    if (machine == f.machines.end() || !is_eligible(machine->second, app)) {
      note_misplaced(out, *each, app);
      continue;
    }
    if (is_given_up(*each, app, quiet)) {
      ++out.given_up;
      continue;
    }
    ++out.in_place;
    out.unproven += was_proven(each->seen) ? 0 : 1;
    out.failing += is_proven(each->seen) ? 0 : 1;
    if (!quiet.unsure.contains(each->machine))
      out.certain.push_back(each);
  }
  return out;
}

/// What an upkeep would do.
struct intent {
  std::vector<std::pair<const application*, placement>> add;
  std::vector<std::string> leaving;
  /// Of those, they are more than wanted.
  std::size_t surplus = 0;
  bool lacking = false;
};

bool counts_by_each_machine(const application& app) {
  return app.per_machine || app.strategy == "one-per-machine";
}

/// Without those that are misplaced. One that is silent may count as there, and serves nobody.
bool are_enough(const application& app, const standing& now) {
  return counts_by_each_machine(app) ? now.in_place > 0 : now.certain.size() >= app.instances;
}

/// Each in place was proven, and half of them are now: who waited until all are at once would wait
/// for ever where programs fail again and again.
bool can_do_without_misplaced(const standing& now) {
  return now.unproven == 0 && now.failing * 2 <= now.in_place;
}

/// Adds those that are more than wanted, though as many as are wanted are proven.
void add_surplus(intent& out, const application& app, standing now) {
  if (counts_by_each_machine(app) || now.certain.size() <= app.instances)
    return;
  auto rank = [](const instance* each) {
    return std::tuple{!is_proven(each->seen), each->seen.ready_at, each->id};
  };
  std::ranges::sort(now.certain, {}, rank);
  bool are_ready = app.instances == 0 || is_proven(now.certain[app.instances - 1]->seen);
  if (!are_ready) {
    out.lacking = true;
    return;
  }
  for (auto i = app.instances; i < now.certain.size(); ++i)
    out.leaving.push_back(now.certain[i]->id);
  out.surplus += now.certain.size() - app.instances;
}

/// Where instances are to come. A job is run by an order: here only what never was run, or would be
/// run again where it is, comes elsewhere, and those of machines that joined.
placement additions_for(const application& app, const standing& now, const placement& where) {
  auto out = where;
  if (app.always_on)
    return out;
  bool is_known = now.in_place + now.misplaced.size() + now.over.size() + now.under_way > 0;
  auto most = now.given_up + now.misplaced.size();
  if (counts_by_each_machine(app) && is_known)
    most = out.add.size();
  out.add.resize(std::min(out.add.size(), most));
  return out;
}

intent intent_for(const farm& f, const version& deployed, const plan& p, const silence& quiet) {
  intent out;
  for (const auto& each : p.applications) {
    auto now = standing_of(f, deployed, each.app, quiet);
    add_surplus(out, each.app, now);
    out.leaving.insert(out.leaving.end(), now.over.begin(), now.over.end());
    out.lacking = out.lacking || now.under_way > 0;
    if (!each.where) {
      // Where no machine of the group is left, the instances stay where they are.
      out.lacking = true;
      continue;
    }
    out.lacking = out.lacking || each.where->is_short;
    auto additions = additions_for(each.app, now, *each.where);
    bool adds = !additions.add.empty();
    if (adds)
      out.add.emplace_back(&each.app, std::move(additions));
    if (now.misplaced.empty())
      continue;
    bool replaced = can_do_without_misplaced(now) && (adds || are_enough(each.app, now));
    if (replaced)
      out.leaving.insert(out.leaving.end(), now.misplaced.begin(), now.misplaced.end());
    else
      out.lacking = true;
  }
  return out;
}

/// The machines that the instances leave because they drain.
std::set<std::string> draining_among(const farm& f, const std::vector<std::string>& leaving) {
  std::set<std::string> out;
  for (const auto& id : leaving) {
    auto known = f.machines.find(f.instances.at(id).machine);
    if (known != f.machines.end() && known->second.draining)
      out.insert(known->first);
  }
  return out;
}

std::string purpose_of(const farm& f, const intent& i, const std::string& occasion) {
  if (i.leaving.empty())
    return fmt::format("instances are missing: {}", occasion);
  auto count = i.leaving.size();
  if (i.surplus == count)
    return fmt::format("{} instance{} more than wanted {} ready: {}", count, count == 1 ? "" : "s",
                       count == 1 ? "is" : "are", occasion);
  if (auto drains = draining_among(f, i.leaving); !drains.empty())
    return fmt::format("{} leave{} {}, to be drained: {}",
                       count == 1 ? std::string{"an instance"} : fmt::format("{} instances", count),
                       count == 1 ? "s" : "", fmt::join(drains, ", "), occasion);
  if (count == 1)
    return fmt::format("an instance is on a machine that left its machine groups: {}", occasion);
  return fmt::format("{} instances are on machines that left their machine groups: {}", count,
                     occasion);
}

} // namespace

std::vector<wish> upkeep_wishes(const farm& f, std::uint64_t group_id) {
  const auto& g = f.groups.at(group_id);
  const auto* deployed = deployed_version(f, g);
  if (!deployed || f.rollouts.contains(group_id))
    return {};
  return wishes_for(g, deployed->id, deployed->applications);
}

upkeep decide_upkeep(const farm& f, std::uint64_t group_id, const plan& p,
                     const std::string& occasion, const moment& m, const silence& quiet) {
  upkeep out;
  const auto& g = f.groups.at(group_id);
  const auto* deployed = deployed_version(f, g);
  if (!deployed || f.rollouts.contains(group_id))
    return out;
  auto todo = intent_for(f, *deployed, p, quiet);
  out.lacking = todo.lacking;
  if (todo.add.empty() && todo.leaving.empty())
    return out;
  edit c{f, m};
  rollout r;
  r.group_id = group_id;
  r.to = deployed->id;
  r.each_alone = true;
  r.leaving = todo.leaving;
  r.purpose = purpose_of(f, todo, occasion);
  begin_rollout(c, std::move(r));
  for (const auto& [app, where] : todo.add)
    place(c, g, *app, where);
  if (todo.add.empty())
    stop_leaving(c, group_id);
  tell_of_turn(c, group_id, count_moves(f));
  out.what = std::move(c).done();
  return out;
}

void upkeep_list::want(std::uint64_t group_id, const std::string& occasion) {
  due_.insert(group_id);
  occasions_[group_id] = occasion;
}

void upkeep_list::moving(std::uint64_t group_id) {
  if (auto found = waiting_.find(group_id); found != waiting_.end())
    found->second.until = duration::max();
}

void upkeep_list::satisfied(std::uint64_t group_id) {
  waiting_.erase(group_id);
}

void upkeep_list::lacking(std::uint64_t group_id, duration now) {
  auto& each = waiting_[group_id];
  each.length = each.length == duration{0} ? first_wait : std::min(each.length * 2, longest_wait);
  each.until = now + each.length;
}

std::optional<std::uint64_t> upkeep_list::take(duration now) {
  for (auto& [group_id, each] : waiting_)
    if (each.until <= now) {
      want(group_id, "it was tried in vain before");
      each.until = now + each.length;
    }
  if (due_.empty())
    return std::nullopt;
  auto first = *due_.begin();
  due_.erase(due_.begin());
  return first;
}

std::optional<duration> upkeep_list::next() const {
  if (!due_.empty())
    return duration{0};
  std::optional<duration> out;
  for (const auto& [group_id, each] : waiting_)
    if (each.until != duration::max())
      out = out ? std::min(*out, each.until) : each.until;
  return out;
}

std::string upkeep_list::occasion_of(std::uint64_t group_id) const {
  auto found = occasions_.find(group_id);
  return found == occasions_.end() ? std::string{} : found->second;
}

} // namespace deployminator::actors
