#include "actors/decisions/rollout.hpp"

#include "actors/decisions/rollout_exchange.hpp"
#include "actors/decisions/rollout_members.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

namespace deployminator::actors {

using namespace messages;

namespace {

/// Those that come and were not given up.
member_list coming(const rollout_view& view) {
  auto out = members_of(view, view.row.coming);
  std::erase_if(out, [](const auto* each) { return each->goal == instance_goal::stop; });
  return out;
}

/// Whether the fetch of its artifact gets on.
bool is_moving(const rollout_member& each) {
  return each.state == instance_state::downloading && !each.stuck && each.reachable;
}

std::string named(const rollout_member& each) {
  return fmt::format("{} on {}", each.id, each.machine);
}

std::string unfetched_text(const rollout_member& each, duration within) {
  auto why = each.reachable ? each.reason : std::string{"the machine is out of reach"};
  return fmt::format("{} did not fetch its artifact within {} s{}{}", named(each),
                     within.count() / 1000, why.empty() ? "" : ": ", why);
}

/// Why an instance that comes has failed, or nothing.
std::optional<std::string> defect_of(const rollout_view& view, const rollout_clock& clock,
                                     const rollout_member& each) {
  const auto& rules = rules_of(view, each);
  auto deadline = rules.rollout.deadline;
  if (!rules.sha256.empty() && !each.sha256.empty() && rules.sha256 != each.sha256)
    return fmt::format("{} got other bytes from {} than the version is pinned to ({:.12}… instead "
                       "of {:.12}…)",
                       named(each), rules.download_url, each.sha256, rules.sha256);
  bool over = each.state == instance_state::failed || each.state == instance_state::stopped;
  bool ended_unproven
    = !each.was_ready && !is_finished_job(each.state, each.exit) && (over || each.exit);
  if (ended_unproven)
    return fmt::format("{} {}", named(each),
                       each.reason.empty() ? std::string{"failed"} : each.reason);
  if (each.goal == instance_goal::run && !is_member_proven(each)
      && clock.told_to_run(each.id) >= deadline)
    return fmt::format("{} was not ready within {} s{}{}", named(each), deadline.count() / 1000,
                       each.reason.empty() ? "" : ": ", each.reason);
  if (clock.unmoved(each.id) >= deadline)
    return unfetched_text(each, deadline);
  auto longest = rules.rollout.fetch_deadline;
  if (longest && clock.unfetched(each.id) >= *longest)
    return unfetched_text(each, *longest);
  return std::nullopt;
}

/// Whether it stays where it failed, for looking at.
bool is_left(const rollout_view& view, const rollout_clock& clock, const rollout_member& each) {
  return view.row.to != view.row.from && each.goal == instance_goal::run
         && !rules_of(view, each).rollout.auto_revert && defect_of(view, clock, each);
}

/// What the defects of those that come lead to: all go, or where each stands alone those that have
/// one. Nothing where there is none.
std::optional<rollout_decision> give_up(const rollout_view& view, const rollout_clock& clock,
                                        const member_list& fresh) {
  rollout_decision out;
  for (const auto* each : fresh) {
    auto defect = defect_of(view, clock, *each);
    if (!defect)
      continue;
    if (out.failure.empty())
      out.failure = out.reason = *defect;
    if (!view.row.each_alone)
      break;
    out.stop.push_back(each->id);
  }
  if (out.failure.empty())
    return std::nullopt;
  if (!view.row.each_alone) {
    for (const auto* each : fresh)
      if (!is_left(view, clock, *each))
        out.stop.push_back(each->id);
    out.phase = rollout_phase::stopping_new;
  }
  return out;
}

rollout_decision step_fetching(const rollout_view& view, const rollout_clock& clock) {
  auto fresh = coming(view);
  if (auto given_up = give_up(view, clock, fresh))
    return std::move(*given_up);
  bool all_there
    = std::all_of(fresh.begin(), fresh.end(), [](const auto* each) { return each->fetched; });
  rollout_decision out;
  if (!all_there)
    return out;
  if (view.row.paused && view.row.failure.empty())
    return out;
  if (fresh.empty() && !view.row.failure.empty()) {
    out.phase = rollout_phase::stopping_new;
    out.reason = view.row.failure;
    return out;
  }
  out.phase = rollout_phase::starting;
  out.start = next_to_start(view, fresh);
  out.stop = next_to_make_room(view, fresh);
  out.reason = "every machine has its artifact";
  return out;
}

std::string words_for_old(std::size_t count) {
  if (count == 0)
    return "there are no old ones";
  return count == 1 ? "the old one stops" : fmt::format("{} old ones stop", count);
}

std::string words_for_new(std::size_t count) {
  if (count == 0)
    return "nothing new comes";
  return count == 1 ? "the new instance is ready"
                    : fmt::format("all {} new instances are ready", count);
}

rollout_decision stop_the_old(const rollout_view& view, std::size_t fresh) {
  rollout_decision out;
  for (const auto* each : members_of(view, view.row.leaving))
    if (each->goal != instance_goal::stop)
      out.stop.push_back(each->id);
  out.phase = rollout_phase::stopping_old;
  out.reason = fmt::format("{}, {}", words_for_new(fresh), words_for_old(out.stop.size()));
  return out;
}

/// Starts what may start and stops what makes room for it, or waits.
rollout_decision next_exchange(const rollout_view& view, const member_list& fresh) {
  rollout_decision out;
  out.start = next_to_start(view, fresh);
  out.stop = next_to_make_room(view, fresh);
  if (!out.start.empty())
    out.reason = fmt::format("the next {} of {} instances start", out.start.size(), fresh.size());
  else if (!out.stop.empty())
    out.reason = words_for_old(out.stop.size()) + " to make room";
  else if (view.row.canary == canary_state::trial && is_on_trial(view, fresh)
           && has_passed_trial(view, fresh)) {
    out.waits = true;
    out.reason
      = fmt::format("{} of {} new instances are ready, the rest waits for `deploy "
                    "promote`, or `deploy abort`",
                    std::count_if(fresh.begin(), fresh.end(),
                                  [](const auto* each) { return is_member_proven(*each); }),
                    fresh.size());
  }
  return out;
}

rollout_decision step_starting(const rollout_view& view, const rollout_clock& clock) {
  auto fresh = coming(view);
  if (auto given_up = give_up(view, clock, fresh))
    return std::move(*given_up);
  bool all_proven = std::all_of(fresh.begin(), fresh.end(),
                                [](const auto* each) { return is_member_proven(*each); });
  rollout_decision out;
  if (all_proven && !view.row.failure.empty()) {
    out.phase = rollout_phase::stopping_new;
    out.reason = view.row.failure;
    return out;
  }
  if (view.row.paused)
    return out;
  if (all_proven && !is_on_trial(view, fresh))
    return stop_the_old(view, fresh.size());
  return next_exchange(view, fresh);
}

/// How long machines out of reach may hold up the end of a rollout.
duration timeout_of(const rollout_view& view) {
  duration longest = view.applications.empty() ? rollout_rules{}.deadline : duration{0};
  for (const auto& [name, app] : view.applications)
    longest = std::max(longest, app.rollout.deadline);
  return longest;
}

std::string words_for_success(const rollout& r) {
  if (r.to == 0)
    return "the group is undeployed";
  if (r.coming.empty() && !r.leaving.empty())
    return "what was to stop is gone";
  return r.leaving.empty() ? "every instance is ready"
                           : "every instance is ready and the old are gone";
}

/// What a failed rollout leaves for looking at.
std::string left_text(const rollout_view& view) {
  std::vector<std::string> names;
  for (const auto* each : coming(view))
    names.push_back(named(*each));
  if (names.empty())
    return {};
  return fmt::format("; left for looking at: {} (`deploy abort` stops it)", fmt::join(names, ", "));
}

rollout_decision step_stopping(const rollout_view& view, const rollout_clock& clock) {
  bool failed = view.row.phase == rollout_phase::stopping_new;
  auto rest = members_of(view, failed ? view.row.coming : view.row.leaving);
  rollout_decision out;
  // Where each stands alone, those that came well stay.
  if (failed)
    std::erase_if(rest, [](const auto* each) { return each->goal != instance_goal::stop; });
  for (const auto* each : rest)
    if (each->goal != instance_goal::stop)
      out.stop.push_back(each->id);
  if (!out.stop.empty())
    return out;
  auto unnoted = std::erase_if(rest, [](const auto* each) { return has_stopped_unnoted(*each); });
  bool only_unreachable
    = std::none_of(rest.begin(), rest.end(), [](const auto* each) { return each->reachable; });
  if (!rest.empty() && !(only_unreachable && clock.in_phase() >= timeout_of(view)))
    return out;
  out.finished = view.row.aborted ? rollout_outcome::reverted
                 : failed         ? rollout_outcome::failed
                                  : rollout_outcome::succeeded;
  out.reason = failed ? view.row.failure : words_for_success(view.row);
  if (failed && !view.row.each_alone)
    out.reason += left_text(view);
  out.left = rest.size();
  if (!rest.empty())
    out.reason += fmt::format("; {} instances on machines out of reach stop when those are back",
                              rest.size());
  if (unnoted > 0)
    out.reason += fmt::format("; {} stopped instances stay known until their machines can write "
                              "again (see `deploy machines`)",
                              unnoted);
  return out;
}

} // namespace

bool is_empty(const rollout_decision& d) {
  return d.start.empty() && d.stop.empty() && !d.phase && !d.finished && !d.waits;
}

void apply(rollout_view& view, rollout_news news) {
  if (news.row) {
    if (news.row->id != view.row.id)
      view.members.clear();
    view.row = std::move(*news.row);
    view.applications = std::move(news.applications);
  }
  for (const auto& id : news.gone)
    view.members.erase(id);
  for (auto& each : news.changed) {
    auto id = each.id;
    view.members.insert_or_assign(std::move(id), std::move(each));
  }
}

void rollout_clock::look(const rollout_view& view, duration now) {
  now_ = now;
  std::pair phase{view.row.id, view.row.phase};
  if (phase_ != phase) {
    phase_ = phase;
    phase_since_ = now;
  }
  for (const auto& id : view.row.coming) {
    auto member = view.members.find(id);
    auto note = [&](since_by_id& since, bool is_so) {
      if (is_so)
        since.emplace(id, now);
      else
        since.erase(id);
    };
    bool is_there = member != view.members.end();
    note(told_to_run_, is_there && member->second.goal == instance_goal::run);
    bool fetches
      = is_there && member->second.goal == instance_goal::fetch && !member->second.fetched;
    note(unfetched_, fetches);
    note(unmoved_, fetches && !is_moving(member->second));
  }
}

duration rollout_clock::passed(const since_by_id& since, const std::string& id) const {
  auto found = since.find(id);
  return found == since.end() ? duration{0} : now_ - found->second;
}

duration rollout_clock::told_to_run(const std::string& id) const {
  return passed(told_to_run_, id);
}

duration rollout_clock::unfetched(const std::string& id) const {
  return passed(unfetched_, id);
}

duration rollout_clock::unmoved(const std::string& id) const {
  return passed(unmoved_, id);
}

rollout_decision next_step(const rollout_view& view, const rollout_clock& clock) {
  auto step = [&] {
    switch (view.row.phase) {
      case rollout_phase::fetching:
        return step_fetching(view, clock);
      case rollout_phase::starting:
        return step_starting(view, clock);
      case rollout_phase::stopping_old:
      case rollout_phase::stopping_new:
        break;
    }
    return step_stopping(view, clock);
  };
  auto out = step();
  out.rollout = view.row.id;
  out.in = view.row.phase;
  return out;
}

std::optional<duration> next_look(const rollout_view& view, const rollout_clock& clock) {
  std::optional<duration> out;
  auto consider = [&](duration limit, duration passed) {
    if (passed < limit && (!out || limit - passed < *out))
      out = limit - passed;
  };
  auto consider_fetch = [&](const rollout_member& each) {
    const auto& rules = rules_of(view, each).rollout;
    consider(rules.deadline, clock.unmoved(each.id));
    if (rules.fetch_deadline)
      consider(*rules.fetch_deadline, clock.unfetched(each.id));
  };
  consider(timeout_of(view), clock.in_phase());
  for (const auto* each : coming(view)) {
    auto deadline = rules_of(view, *each).rollout.deadline;
    if (each->goal == instance_goal::run)
      consider(deadline, clock.told_to_run(each->id));
    else if (!each->fetched)
      consider_fetch(*each);
  }
  return out;
}

} // namespace deployminator::actors
