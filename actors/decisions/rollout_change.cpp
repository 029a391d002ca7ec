#include "actors/decisions/rollout_change.hpp"

#include "actors/decisions/groups.hpp"
#include "actors/decisions/turns.hpp"
#include "messages/url.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <map>

namespace deployminator::actors {

using namespace messages;

namespace {

/// `w1 (2), w2`: how many instances each machine gets.
std::string machine_list(const std::vector<std::string>& machines) {
  std::map<std::string, int> counts;
  for (const auto& each : machines)
    ++counts[each];
  std::vector<std::string> parts;
  for (const auto& [name, count] : counts)
    parts.push_back(count == 1 ? name : fmt::format("{} ({})", name, count));
  return fmt::format("{}", fmt::join(parts, ", "));
}

void set_goal(edit& c, const std::string& id, instance_goal goal) {
  auto known = c.before().instances.find(id);
  if (known != c.before().instances.end() && known->second.goal != instance_goal::stop)
    c.instance(id).goal = goal;
}

/// Ends what a rollout began and has not proven.
void abandon(edit& c, const rollout& r) {
  bool within = r.to == r.from;
  for (const auto& id : given_up_when_superseded(c.before(), r.group_id))
    set_goal(c, id, instance_goal::stop);
  if (within || r.to == 0)
    return;
  auto& abandoned = c.version(r.to);
  abandoned.state = abandoned.last_deployed ? version_state::retired : version_state::superseded;
}

/// Ends the rollout that the group is in, if any, in favour of one to the version `to`.
void supersede(edit& c, const group& g, std::uint64_t to, const std::string& what) {
  auto under_way = c.before().rollouts.find(g.id);
  if (under_way == c.before().rollouts.end())
    return;
  const auto& r = under_way->second;
  auto by = to == 0 ? std::string{"an undeploy"} : fmt::format("version {}", to);
  if (to == r.to && to != 0)
    by = "a newer order";
  if (!what.empty())
    by = what;
  auto outcome = rollout_outcome::superseded;
  auto reason = fmt::format("superseded by {}", by);
  bool is_deployed = r.phase == rollout_phase::stopping_old && r.to != 0;
  if (r.phase == rollout_phase::stopping_new) {
    outcome = r.aborted ? rollout_outcome::reverted : rollout_outcome::failed;
    reason = r.failure;
  } else if (is_deployed && to != 0) {
    outcome = rollout_outcome::succeeded;
    reason = fmt::format("every instance is ready; {} began before the old ones were gone", by);
  } else if (is_deployed) {
    // It was deployed, but who waits for it must not take it for running.
    reason = fmt::format("superseded by {}, when every instance was ready", by);
  } else if (r.to != 0) {
    abandon(c, r);
  }
  c.end_rollout(r, outcome, std::move(reason));
}

std::uint64_t last_deployment(const farm& f) {
  std::uint64_t last = 0;
  for (const auto& [id, each] : f.versions)
    last = std::max(last, each.last_deployed);
  return last;
}

/// What does not leave stays, as part of the new version.
void take_over_kept(edit& c, const rollout& r) {
  std::set<std::string> leaving{r.leaving.begin(), r.leaving.end()};
  for (const auto* each : c.before().instances.of_group(r.group_id)) {
    bool stays = each->version_id == r.from && each->goal != instance_goal::stop
                 && !leaving.contains(each->id);
    if (!stays)
      continue;
    auto& row = c.instance(each->id);
    row.version_id = r.to;
    const auto& seen = row.seen;
    c.tell(c.group(r.group_id), r.to,
           instance_change{row.id, row.application, row.machine, seen.state, seen.state, seen.pid,
                           seen.ports, seen.restarts, seen.exit,
                           fmt::format("stays from version {}", r.from), ""});
  }
}

/// Every instance is ready, so the new version is the deployed one: the point of no return.
void make_deployed(edit& c, const rollout& r) {
  take_over_kept(c, r);
  auto& g = c.group(r.group_id);
  if (g.deployed_version != 0)
    c.version(g.deployed_version).state = version_state::retired;
  auto& v = c.version(r.to);
  v.state = version_state::deployed;
  v.last_deployed = last_deployment(c.before()) + 1;
  g.deployed_version = r.to;
  g.pending_version = 0;
}

/// The new version is not to be.
void give_up_version(edit& c, const rollout& r) {
  auto& v = c.version(r.to);
  v.state = v.last_deployed ? version_state::retired : version_state::failed;
  c.group(r.group_id).pending_version = 0;
}

void enter_phase(edit& c, rollout& r, rollout_phase phase) {
  r.phase = phase;
  bool changes_version = r.to != 0 && r.to != r.from;
  if (phase == rollout_phase::stopping_old && changes_version)
    make_deployed(c, r);
  if (phase == rollout_phase::stopping_new && changes_version)
    give_up_version(c, r);
}

/// Whether a person wants to be asked first. The version is new: one that was deployed before has
/// been promoted already.
bool asks_first(const version& v, const rollout& r) {
  return r.from != 0 && r.to != r.from && v.last_deployed == 0
         && std::any_of(v.applications.begin(), v.applications.end(),
                        [](const application& each) { return each.rollout.canary > 0; });
}

/// A person holds it, and the decision, made before, would go on.
bool is_held(const rollout& r, const rollout_decision& d) {
  bool gives_up = !d.failure.empty() || d.phase == rollout_phase::stopping_new;
  bool can_be_held = r.phase == rollout_phase::fetching || r.phase == rollout_phase::starting;
  return r.paused && can_be_held && !gives_up;
}

/// It would begin to move, and others have to end first.
bool waits_for_turn(const farm& f, const rollout& r, const rollout_decision& d) {
  return d.phase == rollout_phase::starting && is_move(r)
         && groups_that_wait(f).contains(r.group_id);
}

/// The old ones go only while every new one is proven, as the farm knows it now.
bool still_holds(const farm& f, const rollout& r, const rollout_decision& d) {
  if (d.phase != rollout_phase::stopping_old)
    return true;
  return std::all_of(r.coming.begin(), r.coming.end(), [&](const std::string& id) {
    auto row = f.instances.find(id);
    return row == f.instances.end() || row->second.goal == instance_goal::stop
           || is_proven(row->second.seen);
  });
}

/// As the farm knows it now; when it was decided the instance was.
bool is_fetched(const farm& f, const std::string& id) {
  auto row = f.instances.find(id);
  return row != f.instances.end() && row->second.seen.fetched;
}

rollout_member member_of(const instance& row, const presence& machines) {
  const auto& seen = row.seen;
  return {row.id,
          row.application,
          row.machine,
          row.goal,
          seen.state,
          seen.fetched,
          static_cast<bool>(seen.ready_at),
          seen.exit,
          seen.sha256,
          seen.reason,
          machines.is_reachable(row.machine),
          seen.stuck};
}

/// Instances of the namespace that cannot run may have waited for those that run now.
void give_hope(edit& c, const group& g) {
  for (const auto* each : c.before().instances.failed())
    if (c.before().groups.at(each->group_id).namespace_ == g.namespace_)
      c.renew(each->id);
}

rules_by_application rules_of(const farm& f, const rollout& r) {
  rules_by_application out;
  auto target = f.versions.find(r.to ? r.to : r.from);
  if (target == f.versions.end())
    return out;
  for (const auto& app : target->second.applications)
    out[app.name] = {app.rollout, app.sha256, public_url(app.download_url)};
  return out;
}

} // namespace

std::set<std::string> given_up_when_superseded(const farm& f, std::uint64_t group_id) {
  std::set<std::string> out;
  auto under_way = f.rollouts.find(group_id);
  if (under_way == f.rollouts.end())
    return out;
  const auto& r = under_way->second;
  if (r.phase != rollout_phase::fetching && r.phase != rollout_phase::starting)
    return out;
  for (const auto& id : r.coming) {
    auto known = f.instances.find(id);
    bool stays = known == f.instances.end() || (r.each_alone && is_proven(known->second.seen));
    if (!stays)
      out.insert(id);
  }
  return out;
}

rollout& begin_rollout(edit& c, rollout row, const std::string& what) {
  const auto g = c.group(row.group_id);
  supersede(c, g, row.to, what);
  row.id = c.before().last_event + 1;
  row.from = g.deployed_version;
  row.started_at = c.at().now;
  if (row.to != 0 && row.to != row.from && asks_first(c.version(row.to), row))
    row.canary = canary_state::trial;
  c.group(g.id).pending_version = row.to == row.from ? 0 : row.to;
  c.tell(g, row.to ? row.to : g.deployed_version,
         rollout_step{"accepted", row.purpose, row.id, c.who().name});
  return c.put(std::move(row));
}

void place_on(edit& c, const group& g, const application& app, const std::string& machine) {
  auto& r = c.rollout(g.id);
  instance row{c.new_instance_id(app.name), r.to, g.id, app.name, machine, app.limits.max_memory_mb,
               instance_goal::fetch,        0,    {}};
  row.seen.id = row.id;
  r.coming.push_back(row.id);
  c.put(std::move(row));
}

void place(edit& c, const group& g, const application& app, const placement& where) {
  if (where.add.empty())
    return;
  for (const auto& machine : where.add)
    place_on(c, g, app, machine);
  auto& r = c.rollout(g.id);
  c.tell(g, r.to,
         rollout_step{"placed",
                      fmt::format("{}: {} instance{} on {} ({}: {})", app.name, where.add.size(),
                                  where.add.size() == 1 ? "" : "s", machine_list(where.add),
                                  app.strategy, where.reason),
                      r.id});
}

void tell_of_turn(edit& c, std::uint64_t group_id, std::size_t before) {
  const auto& r = c.rollout(group_id);
  if (is_move(r) && before >= most_moving_groups)
    c.tell(c.before().groups.at(group_id), r.to, rollout_step{"waiting", waiting_text(), r.id});
}

std::vector<std::string> leaving_for(const farm& f, const group& g, std::uint64_t to,
                                     const std::set<std::string>& kept) {
  std::vector<std::string> out;
  // What a failed rollout of another version left for looking at is none of it when it comes again.
  bool is_deployed = to == g.deployed_version;
  for (const auto* each : f.instances.of_group(g.id)) {
    bool stays = is_deployed && each->version_id == to && each->goal != instance_goal::stop;
    if (!stays && !kept.contains(each->id))
      out.push_back(each->id);
  }
  return out;
}

void stop_leaving(edit& c, std::uint64_t group_id) {
  auto& r = c.rollout(group_id);
  r.phase = rollout_phase::stopping_old;
  for (const auto& id : r.leaving)
    set_goal(c, id, instance_goal::stop);
}

void revert_rollout(edit& c, std::uint64_t group_id) {
  for (const auto& id : given_up_when_superseded(c.before(), group_id))
    set_goal(c, id, instance_goal::stop);
  auto& r = c.rollout(group_id);
  r.paused = false;
  r.aborted = true;
  r.failure = c.who().name.empty() ? "aborted" : "aborted by " + c.who().name;
  enter_phase(c, r, rollout_phase::stopping_new);
}

change carry_out(const farm& f, std::uint64_t group_id, const rollout_decision& d, const moment& m,
                 std::size_t kept_versions) {
  edit c{f, m};
  auto under_way = f.rollouts.find(group_id);
  bool is_meant = under_way != f.rollouts.end() && under_way->second.id == d.rollout
                  && under_way->second.phase == d.in && still_holds(f, under_way->second, d)
                  && !is_held(under_way->second, d) && !waits_for_turn(f, under_way->second, d);
  if (!is_meant)
    return std::move(c).done();
  const auto& r = under_way->second;
  const auto& g = f.groups.at(group_id);
  for (const auto& id : d.start)
    if (is_fetched(f, id))
      set_goal(c, id, instance_goal::run);
  for (const auto& id : d.stop)
    set_goal(c, id, instance_goal::stop);
  // The row is long where many instances come and go, so it is written only where it changes.
  if (r.failure.empty() && !d.failure.empty())
    c.rollout(group_id).failure = d.failure;
  if (d.waits && r.canary == canary_state::trial)
    c.rollout(group_id).canary = canary_state::waiting;
  if (d.phase)
    enter_phase(c, c.rollout(group_id), *d.phase);
  if (d.finished == rollout_outcome::succeeded && !r.coming.empty())
    give_hope(c, g);
  if (d.finished) {
    for (auto& each : forgotten_versions(f, group_id, kept_versions))
      c.forget(std::move(each));
    c.end_rollout(r, *d.finished, d.reason, d.left);
  } else if (!d.reason.empty())
    c.tell(g, r.to, rollout_step{std::string{to_text(d.phase.value_or(r.phase))}, d.reason, r.id});
  return std::move(c).done();
}

rollout_news news_for(const farm& f, const presence& machines, std::uint64_t group_id,
                      const std::set<std::string>& ids, bool with_row) {
  const auto& r = f.rollouts.at(group_id);
  rollout_news out;
  if (with_row) {
    out.row = r;
    out.applications = rules_of(f, r);
  }
  for (const auto& id : ids) {
    auto row = f.instances.find(id);
    if (row == f.instances.end())
      out.gone.push_back(id);
    else
      out.changed.push_back(member_of(row->second, machines));
  }
  return out;
}

std::set<std::string> members_of(const rollout& r) {
  std::set<std::string> out{r.coming.begin(), r.coming.end()};
  out.insert(r.leaving.begin(), r.leaving.end());
  return out;
}

} // namespace deployminator::actors
