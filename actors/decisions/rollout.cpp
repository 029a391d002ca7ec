#include "actors/decisions/rollout.hpp"

#include "actors/decisions/assignment.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace deployminator::actors {

using namespace messages;

namespace {

using instance_list = std::vector<const instance*>;

/// The new instances: of the version being rolled out and wanted. Those of the same version that
/// stop already belong to an earlier rollout.
instance_list new_instances(const rollout_view& view) {
  instance_list out;
  for (const auto& each : view.instances)
    if (each.version_id == view.rollout.version_id && each.goal != instance_goal::stop)
      out.push_back(&each);
  return out;
}

const application& application_of(const rollout_view& view, const instance& each) {
  static const application none;
  for (const auto& app : view.target.applications)
    if (app.name == each.application)
      return app;
  return none;
}

/// A job that is done: nothing starts it again, and it ended well.
bool is_finished_job(const observation& seen) {
  return seen.state == instance_state::stopped && seen.exit == 0;
}

duration waited(const rollout_waits& waits, const instance& each) {
  auto found = waits.told_to_run.find(each.id);
  return found == waits.told_to_run.end() ? duration{0} : found->second;
}

std::string named(const instance& each) {
  return fmt::format("{} on {}", each.id, each.machine);
}

/// Why this new instance ends the rollout, or nothing.
std::optional<std::string> defect_of(const rollout_view& view, const rollout_waits& waits,
                                     const instance& each) {
  const auto& app = application_of(view, each);
  const auto& seen = each.seen;
  if (!app.sha256.empty() && !seen.sha256.empty() && app.sha256 != seen.sha256)
    return fmt::format("{} got other bytes from {} than the version is pinned to ({:.12}… instead "
                       "of {:.12}…)",
                       named(each), app.download_url, seen.sha256, app.sha256);
  bool over = seen.state == instance_state::failed || seen.state == instance_state::stopped;
  bool ended_unproven = !seen.ready_at && !is_finished_job(seen) && (over || seen.exit);
  if (ended_unproven)
    return fmt::format("{} {}", named(each),
                       seen.reason.empty() ? std::string{"failed"} : seen.reason);
  if (each.goal == instance_goal::run && !is_proven(seen)
      && waited(waits, each) >= app.rollout.deadline)
    return fmt::format("{} was not ready within {} s", named(each),
                       app.rollout.deadline.count() / 1000);
  bool idle
    = each.goal == instance_goal::fetch && !seen.fetched
      && (seen.state != instance_state::downloading || view.unreachable.contains(each.machine));
  if (idle && waits.in_phase >= app.rollout.deadline)
    return fmt::format("{} did not fetch its artifact within {} s{}", named(each),
                       app.rollout.deadline.count() / 1000,
                       view.unreachable.contains(each.machine) ? ": the machine is out of reach"
                                                               : "");
  return std::nullopt;
}

rollout_decision undo(const instance_list& fresh, std::string reason) {
  rollout_decision out;
  for (const auto* each : fresh)
    out.stop.push_back(each->id);
  out.phase = rollout_phase::stopping_new;
  out.reason = std::move(reason);
  return out;
}

std::size_t allowed_at_once(const application& app, std::size_t total) {
  const auto& parallel = app.rollout.parallel;
  std::size_t count = parallel.percent ? (total * parallel.value + 99) / 100 : parallel.value;
  return std::max<std::size_t>(count, 1);
}

/// The next instances of each application to be started, within its parallelism.
std::vector<std::string> next_to_start(const rollout_view& view, const instance_list& fresh) {
  std::vector<std::string> out;
  for (const auto& app : view.target.applications) {
    instance_list own;
    std::copy_if(fresh.begin(), fresh.end(), std::back_inserter(own),
                 [&](const instance* each) { return each->application == app.name; });
    auto starting
      = static_cast<std::size_t>(std::count_if(own.begin(), own.end(), [&](const instance* each) {
          return each->goal == instance_goal::run && !is_proven(each->seen);
        }));
    auto allowed = allowed_at_once(app, own.size());
    for (const auto* each : own)
      if (each->goal == instance_goal::fetch && starting < allowed) {
        out.push_back(each->id);
        ++starting;
      }
  }
  return out;
}

std::optional<std::string> first_defect(const rollout_view& view, const rollout_waits& waits,
                                        const instance_list& fresh) {
  for (const auto* each : fresh)
    if (auto defect = defect_of(view, waits, *each))
      return defect;
  return std::nullopt;
}

rollout_decision step_fetching(const rollout_view& view, const rollout_waits& waits) {
  auto fresh = new_instances(view);
  if (auto defect = first_defect(view, waits, fresh))
    return undo(fresh, *defect);
  bool all_there = std::all_of(fresh.begin(), fresh.end(),
                               [](const instance* each) { return each->seen.fetched; });
  if (!all_there)
    return {};
  rollout_decision out;
  out.phase = rollout_phase::starting;
  out.start = next_to_start(view, fresh);
  out.reason = "every machine has its artifact";
  return out;
}

rollout_decision step_starting(const rollout_view& view, const rollout_waits& waits) {
  auto fresh = new_instances(view);
  if (auto defect = first_defect(view, waits, fresh))
    return undo(fresh, *defect);
  rollout_decision out;
  bool all_proven = std::all_of(fresh.begin(), fresh.end(),
                                [&](const instance* each) { return is_proven(each->seen); });
  if (!all_proven) {
    out.start = next_to_start(view, fresh);
    if (!out.start.empty())
      out.reason = fmt::format("the next {} of {} instances start", out.start.size(), fresh.size());
    return out;
  }
  for (const auto& each : view.instances)
    if (each.version_id != view.rollout.version_id && each.goal != instance_goal::stop)
      out.stop.push_back(each.id);
  out.phase = rollout_phase::stopping_old;
  out.reason = fmt::format("all {} new instances are ready, {} old ones stop", fresh.size(),
                           out.stop.size());
  return out;
}

/// Which of the group's instances have to be gone, in the phases that stop some.
instance_list leaving(const rollout_view& view) {
  instance_list out;
  for (const auto& each : view.instances)
    if (view.rollout.version_id == 0 || each.goal == instance_goal::stop)
      out.push_back(&each);
  return out;
}

/// How long machines out of reach may hold up the end of a rollout.
duration patience_of(const rollout_view& view) {
  duration longest = view.target.applications.empty() ? rollout_rules{}.deadline : duration{0};
  for (const auto& app : view.target.applications)
    longest = std::max(longest, app.rollout.deadline);
  return longest;
}

rollout_decision step_stopping(const rollout_view& view, const rollout_waits& waits,
                               rollout_outcome outcome) {
  auto rest = leaving(view);
  rollout_decision out;
  for (const auto* each : rest)
    if (each->goal != instance_goal::stop)
      out.stop.push_back(each->id);
  if (!out.stop.empty())
    return out;
  bool only_unreachable = std::all_of(rest.begin(), rest.end(), [&](const instance* each) {
    return view.unreachable.contains(each->machine);
  });
  if (!rest.empty() && !(only_unreachable && waits.in_phase >= patience_of(view)))
    return out;
  out.finished = outcome;
  out.reason = view.rollout.reason;
  if (outcome == rollout_outcome::succeeded)
    out.reason = view.rollout.version_id == 0 ? "the group is undeployed"
                                              : "every instance is ready and the old are gone";
  if (!rest.empty())
    out.reason += fmt::format("; {} instances on machines out of reach stop when those are back",
                              rest.size());
  return out;
}

} // namespace

bool is_proven(const observation& seen) {
  return seen.state == instance_state::ready || is_finished_job(seen);
}

bool is_empty(const rollout_decision& d) {
  return d == rollout_decision{};
}

rollout_decision next_step(const rollout_view& view, const rollout_waits& waits) {
  switch (view.rollout.phase) {
    case rollout_phase::fetching:
      return step_fetching(view, waits);
    case rollout_phase::starting:
      return step_starting(view, waits);
    case rollout_phase::stopping_old:
      return step_stopping(view, waits, rollout_outcome::succeeded);
    case rollout_phase::stopping_new:
      return step_stopping(view, waits, rollout_outcome::failed);
  }
  return {};
}

std::optional<duration> next_look(const rollout_view& view, const rollout_waits& waits) {
  std::optional<duration> out;
  auto consider = [&](duration limit, duration passed) {
    if (passed < limit && (!out || limit - passed < *out))
      out = limit - passed;
  };
  for (const auto& app : view.target.applications)
    consider(app.rollout.deadline, waits.in_phase);
  consider(patience_of(view), waits.in_phase);
  for (const auto* each : new_instances(view))
    if (each->goal == instance_goal::run)
      consider(application_of(view, *each).rollout.deadline, waited(waits, *each));
  return out;
}

namespace {

void set_goals(const farm& f, const std::vector<std::string>& ids, instance_goal goal, change& c) {
  for (const auto& id : ids) {
    auto found = f.instances.find(id);
    if (found == f.instances.end() || found->second.goal == instance_goal::stop)
      continue;
    c.instances.push_back(found->second);
    c.instances.back().goal = goal;
  }
}

std::uint64_t last_deployment(const farm& f) {
  std::uint64_t last = 0;
  for (const auto& [id, each] : f.versions)
    last = std::max(last, each.last_deployed);
  return last;
}

void set_version_state(const farm& f, std::uint64_t id, version_state state, change& c) {
  auto found = f.versions.find(id);
  if (found == f.versions.end())
    return;
  c.versions.push_back(found->second);
  c.versions.back().state = state;
}

/// The point of no return: every new instance is ready, so the new version is the deployed one.
void make_deployed(const farm& f, group& g, const rollout& r, change& c) {
  if (g.deployed_version != r.version_id)
    set_version_state(f, g.deployed_version, version_state::retired, c);
  set_version_state(f, r.version_id, version_state::deployed, c);
  c.versions.back().last_deployed = last_deployment(f) + 1;
  g.deployed_version = r.version_id;
  g.pending_version = 0;
}

void enter_phase(const farm& f, group& g, rollout& r, const rollout_decision& d, change& c) {
  r.phase = *d.phase;
  r.reason = d.reason;
  if (r.phase == rollout_phase::stopping_old && r.version_id != 0)
    make_deployed(f, g, r, c);
  if (r.phase == rollout_phase::stopping_new) {
    const auto& failed = f.versions.at(r.version_id);
    bool was_deployed = failed.last_deployed != 0;
    set_version_state(f, r.version_id,
                      was_deployed ? version_state::retired : version_state::failed, c);
    g.pending_version = 0;
  }
  c.rollouts.push_back(r);
  c.groups.push_back(g);
}

} // namespace

change carry_out(const farm& f, std::uint64_t group_id, const rollout_decision& d,
                 const moment& m) {
  change c;
  auto under_way = f.rollouts.find(group_id);
  if (under_way == f.rollouts.end())
    return c;
  auto r = under_way->second;
  auto g = f.groups.at(group_id);
  auto tell = [&](event::content what) {
    c.events.push_back({0, m.now, g.namespace_, g.name, r.version_id, std::move(what)});
  };
  set_goals(f, d.start, instance_goal::run, c);
  set_goals(f, d.stop, instance_goal::stop, c);
  if (d.phase)
    enter_phase(f, g, r, d, c);
  if (d.finished) {
    c.finished_rollouts.push_back(group_id);
    tell(rollout_finished{*d.finished, d.reason});
  } else if (!d.reason.empty()) {
    tell(rollout_step{std::string{to_text(r.phase)}, d.reason});
  }
  raise_generations(f, c);
  return c;
}

} // namespace deployminator::actors
