#include "actors/decisions/rollout_exchange.hpp"

#include <algorithm>
#include <map>

namespace deployminator::actors {

using namespace messages;

namespace {

/// The instances of an application that come and leave.
struct counts {
  std::size_t total = 0;
  /// Told to run; those that are not proven yet; those that are.
  std::size_t told = 0;
  std::size_t starting = 0;
  std::size_t proven = 0;
  /// Of those that leave: that run on, and that may still run.
  std::size_t old_wanted = 0;
  std::size_t old_there = 0;
  std::map<std::string, std::size_t> coming_on;
  /// Those that may run on a machine.
  std::map<std::string, std::size_t> there_on;
  std::map<std::string, std::size_t> unstarted_on;
};

using counts_by_application = std::map<std::string, counts>;

/// An old one that may still run, as far as it can be known.
bool is_there(const rollout_member& old) {
  return old.goal != instance_goal::stop || (old.reachable && !has_stopped_unnoted(old));
}

counts_by_application count(const rollout_view& view, const member_list& fresh) {
  counts_by_application out;
  for (const auto* each : fresh) {
    auto& of = out[each->application];
    bool is_told = each->goal == instance_goal::run;
    bool is_proven = is_told && is_member_proven(*each);
    ++of.total;
    of.told += is_told ? 1 : 0;
    of.starting += is_told && !is_proven ? 1 : 0;
    of.proven += is_proven ? 1 : 0;
    ++of.coming_on[each->machine];
    ++(is_told ? of.there_on : of.unstarted_on)[each->machine];
  }
  for (const auto* each : members_of(view, view.row.leaving)) {
    auto& of = out[each->application];
    of.old_wanted += each->goal != instance_goal::stop ? 1 : 0;
    if (!is_there(*each))
      continue;
    ++of.old_there;
    ++of.there_on[each->machine];
  }
  return out;
}

std::size_t value_on(const std::map<std::string, std::size_t>& counted, const std::string& name) {
  auto found = counted.find(name);
  return found == counted.end() ? 0 : found->second;
}

/// How the instances of one application may be exchanged now.
struct pace {
  /// Between told to start and ready at once.
  std::size_t at_once = 0;
  /// Of all that come, so many may start.
  std::size_t quota = 0;
  bool is_stop_first = false;
};

std::size_t allowed_at_once(const parallelism& parallel, std::size_t total) {
  std::size_t count = parallel.percent ? (total * parallel.value + 99) / 100 : parallel.value;
  return std::max<std::size_t>(count, 1);
}

pace pace_of(const rollout_view& view, const application_rules& rules, const counts& of,
             bool on_trial) {
  // What is new has nothing to protect.
  bool is_first = view.row.from == 0 && view.row.leaving.empty();
  return {is_first ? of.total : allowed_at_once(rules.rollout.parallel, of.total),
          on_trial ? std::min<std::size_t>(rules.rollout.canary, of.total) : of.total,
          // Those that stand alone take nobody's place.
          rules.rollout.order == rollout_order::stop_first && !view.row.each_alone};
}

/// Where the old stop first, one starts when there is room for it: among all, and on its machine.
bool has_room(const counts& of, const std::string& machine) {
  return of.old_there + of.told < of.total
         && value_on(of.there_on, machine) < value_on(of.coming_on, machine);
}

/// The old ones of an application that make room for new ones: where new ones wait first.
void add_room_makers(const counts& of, const pace& allowed, const member_list& old,
                     std::vector<std::string>& out) {
  auto waiting = of.unstarted_on;
  member_list candidates, elsewhere;
  for (const auto* each : old) {
    auto here = waiting.find(each->machine);
    bool waits_here = here != waiting.end() && here->second > 0;
    (waits_here ? candidates : elsewhere).push_back(each);
    if (waits_here)
      --here->second;
  }
  candidates.insert(candidates.end(), elsewhere.begin(), elsewhere.end());
  auto rest = of.old_wanted;
  for (const auto* each : candidates) {
    // No more is missing than may start at once, and no more stops than is needed.
    bool may_stop = rest + of.proven + allowed.at_once > of.total;
    bool is_needed = allowed.quota > of.told && rest + allowed.quota > of.total;
    if (!may_stop || !is_needed)
      return;
    out.push_back(each->id);
    --rest;
  }
}

} // namespace

bool is_on_trial(const rollout_view& view, const member_list& fresh) {
  bool asks = view.row.canary == canary_state::trial || view.row.canary == canary_state::waiting;
  return asks && std::any_of(fresh.begin(), fresh.end(), [&](const auto* each) {
           return rules_of(view, *each).rollout.canary > 0;
         });
}

bool has_passed_trial(const rollout_view& view, const member_list& fresh) {
  for (const auto& [name, of] : count(view, fresh)) {
    auto rules = view.applications.find(name);
    if (rules == view.applications.end())
      continue;
    if (of.proven < pace_of(view, rules->second, of, true).quota || of.starting > 0)
      return false;
  }
  return true;
}

std::vector<std::string> next_to_start(const rollout_view& view, const member_list& fresh) {
  bool on_trial = is_on_trial(view, fresh);
  auto all = count(view, fresh);
  std::vector<std::string> out;
  for (const auto* each : fresh) {
    auto& of = all[each->application];
    auto allowed = pace_of(view, rules_of(view, *each), of, on_trial);
    // A machine that was started anew may have lost what it had fetched.
    bool can_start = each->goal == instance_goal::fetch && each->fetched
                     && of.starting < allowed.at_once && of.told < allowed.quota
                     && (!allowed.is_stop_first || has_room(of, each->machine));
    if (!can_start)
      continue;
    out.push_back(each->id);
    ++of.told;
    ++of.starting;
    ++of.there_on[each->machine];
  }
  return out;
}

std::vector<std::string> next_to_make_room(const rollout_view& view, const member_list& fresh) {
  bool on_trial = is_on_trial(view, fresh);
  std::vector<std::string> out;
  for (const auto& [name, of] : count(view, fresh)) {
    auto rules = view.applications.find(name);
    if (rules == view.applications.end() || of.total == 0)
      continue;
    auto allowed = pace_of(view, rules->second, of, on_trial);
    if (!allowed.is_stop_first)
      continue;
    auto old = members_of(view, view.row.leaving);
    std::erase_if(old, [&, app = name](const auto* each) {
      return each->application != app || each->goal == instance_goal::stop;
    });
    add_room_makers(of, allowed, old, out);
  }
  return out;
}

} // namespace deployminator::actors
