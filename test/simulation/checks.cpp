#include "simulation/checks.hpp"

#include "actors/decisions/assignment.hpp"
#include "actors/decisions/edit.hpp"
#include "actors/decisions/groups.hpp"
#include "actors/decisions/machines.hpp"
#include "actors/decisions/placement.hpp"
#include "actors/decisions/rollout_members.hpp"
#include "messages/digest.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <tuple>

namespace deployminator::simulation {

using namespace messages;

namespace {

/// A row as the change leaves it, or as it is.
template <class T, class Key, class Map, class KeyOf>
const T* after(const std::vector<T>& changed, const Map& before, const Key& key, KeyOf key_of) {
  const T* out = nullptr;
  for (const auto& each : changed)
    if (key_of(each) == key)
      out = &each;
  if (out)
    return out;
  auto found = before.find(key);
  return found == before.end() ? nullptr : &found->second;
}

const application* application_of(const farm& f, const instance& row) {
  return actors::application_of(f.versions.at(row.version_id), row.application);
}

/// Whether the instance's machine is in a machine group that its application asks for.
bool is_in_place(const farm& f, const instance& row) {
  const auto* app = application_of(f, row);
  return app && actors::is_eligible(f.machines.at(row.machine), *app);
}

/// It is in place, or its machine drains, which is no reason to stop it before others are ready.
bool is_protected(const farm& f, const instance& row) {
  const auto* app = application_of(f, row);
  auto where = f.machines.at(row.machine);
  bool just_goes = where.draining && app && app->strategy == "one-per-machine";
  where.draining = false;
  return app && !just_goes && actors::is_eligible(where, *app);
}

bool contains(const std::vector<std::string>& ids, const std::string& id) {
  return std::find(ids.begin(), ids.end(), id) != ids.end();
}

/// Something of what comes is a canary.
bool has_canaries(const farm& f, const rollout& r) {
  return std::any_of(r.coming.begin(), r.coming.end(), [&](const std::string& id) {
    auto row = f.instances.find(id);
    const auto* app = row == f.instances.end() ? nullptr : application_of(f, row->second);
    return app && app->rollout.canary > 0;
  });
}

/// `m1 app0 (2), m2 app0`: what comes, by machine and application.
using counts_by_place = std::map<std::pair<std::string, std::string>, int>;

std::string to_text(const counts_by_place& counts) {
  std::vector<std::string> parts;
  for (const auto& [where, count] : counts)
    parts.push_back(fmt::format("{} {} ({})", where.first, where.second, count));
  return fmt::format("{}", fmt::join(parts, ", "));
}

/// Only how it ended is noted later.
bool is_same_order(const receipt& before, receipt now) {
  now.ends = before.ends;
  return now == before;
}

} // namespace

checks::checks(timeline& clock, trace& record, const database& db, const artifact_server& web,
               const programs& all)
  : clock_(clock), record_(record), db_(db), web_(web), all_(all) {}

void checks::fail(const std::string& rule, const std::string& what) {
  record_.break_promise(rule, what);
}

void checks::before_commit(const farm& before, const change& c) {
  for (const auto& each : c.machines) {
    auto known = before.machines.find(each.name);
    if (known != before.machines.end() && each.generation < known->second.generation)
      fail("generations only grow", fmt::format("{} goes from {} to {}", each.name,
                                                known->second.generation, each.generation));
  }
  for (const auto& each : c.receipts)
    if (auto known = before.receipts.find(each.id);
        known != before.receipts.end() && !is_same_order(known->second, each))
      fail("an order is carried out once", each.id + " is carried out again");
  for (const auto& each : c.receipts)
    if (!before.receipts.contains(each.id))
      check_planned(c, each);
  for (const auto& g : c.groups)
    if (before.groups.contains(g.id)
        && before.groups.at(g.id).deployed_version != g.deployed_version)
      note_unproven(before, g);
  note_machines(c);
  for (const auto& each : c.instances) {
    if (each.goal == instance_goal::run)
      told_to_run_.insert(each.id);
    auto known = before.instances.find(each.id);
    if (known == before.instances.end()) {
      check_placed(before, c, each);
      check_replacement(before, c, each);
      continue;
    }
    if (known->second.goal == instance_goal::fetch && each.goal == instance_goal::run
        && !known->second.seen.fetched && !each.seen.fetched)
      fail("what starts was fetched first", each.id + " is told to run");
    if (known->second.goal == instance_goal::fetch && each.goal == instance_goal::run)
      check_held(before, c, each);
    if (known->second.goal == instance_goal::stop && each.goal != instance_goal::stop)
      fail("what is to go does not come back", each.id);
    if (known->second.goal == instance_goal::run && each.goal == instance_goal::stop)
      check_proven(before, c, known->second);
  }
}

void checks::after_plan(const std::string& order_id, const build_plan& told) {
  planned_[order_id] = told;
}

/// What comes and what leaves is what was told. Where another order of the same change superseded
/// the rollout there is nothing to compare.
void checks::check_planned(const change& c, const receipt& order) {
  auto planned = planned_.find(order.id);
  auto row = std::find_if(c.rollouts.begin(), c.rollouts.end(),
                          [&](const auto& each) { return each.order_id == order.id; });
  if (planned == planned_.end() || row == c.rollouts.end())
    return;
  counts_by_place told, comes;
  std::set<std::string> told_to_leave;
  for (const auto& each : planned->second.changes) {
    if (each.action == plan_action::keep)
      continue;
    if (each.to)
      ++told[{*each.to, each.application}];
    if (each.from)
      told_to_leave.insert(each.instance);
  }
  for (const auto& each : c.instances)
    if (contains(row->coming, each.id))
      ++comes[{each.machine, each.application}];
  std::set<std::string> leave{row->leaving.begin(), row->leaving.end()};
  if (told != comes || told_to_leave != leave)
    fail("what was planned is what happens",
         fmt::format("{} brings {} instead of {}, and {} leave instead of {}", order.id,
                     to_text(comes), to_text(told), leave.size(), told_to_leave.size()));
}

/// A change may be the sum of several decisions: a machine was there for one of them and lost by
/// another.
void checks::note_machines(const change& c) {
  there_meanwhile_.clear();
  for (const auto& [name, state] : told_machines_)
    if (state == machine_state::ready)
      there_meanwhile_.insert(name);
  for (const auto& each : c.events)
    if (const auto* now = std::get_if<machine_change>(&each.what)) {
      told_machines_[now->machine] = now->to;
      if (now->to == machine_state::ready)
        there_meanwhile_.insert(now->machine);
    }
}

/// What was stopped on purpose when its version was deployed may turn out broken when it is
/// started.
void checks::note_unproven(const farm& before, const group& g) {
  if (auto v = before.versions.find(g.deployed_version); v != before.versions.end())
    for (const auto& app : v->second.applications)
      if (actors::is_stopped(g, app.name))
        unproven_.emplace(v->first, app.name);
}

/// A new instance is to be fetched first, on a machine that is there and is asked for.
void checks::check_placed(const farm& before, const change& c, const instance& placed) {
  if (placed.goal == instance_goal::run)
    fail("what starts was fetched first", placed.id + " is told to run");
  const auto* v
    = after(c.versions, before.versions, placed.version_id, [](const version& x) { return x.id; });
  const auto* m = after(c.machines, before.machines, placed.machine,
                        [](const messages::machine& x) { return x.name; });
  const auto* app = v ? actors::application_of(*v, placed.application) : nullptr;
  bool is_there = m && there_meanwhile_.contains(placed.machine);
  const auto* g
    = v ? after(c.groups, before.groups, v->group_id, [](const group& x) { return x.id; })
        : nullptr;
  if (g && actors::is_stopped(*g, placed.application))
    fail("what is stopped on purpose stays stopped", placed.id + " is placed");
  // A machine that takes instances when one is placed on it may be drained with the same change.
  auto then = m ? *m : messages::machine{};
  then.draining = false;
  if (!app || !is_there || !actors::is_eligible(then, *app))
    fail("instances are placed where they can run",
         fmt::format("{} is placed on {}", placed.id, placed.machine));
}

/// Nobody ordered it, and there are as many as are wanted, some of them out of reach: that is only
/// for as long as most machines are within reach.
void checks::check_replacement(const farm& before, const change& c, const instance& placed) {
  const auto* r = after(c.rollouts, before.rollouts, placed.group_id,
                        [](const rollout& x) { return x.group_id; });
  auto v = before.versions.find(placed.version_id);
  const auto* app
    = v == before.versions.end() ? nullptr : actors::application_of(v->second, placed.application);
  if (!r || !r->order_id.empty() || !r->leaving.empty() || !app
      || app->strategy == "one-per-machine")
    return;
  std::size_t there = 0;
  for (const auto* each : before.instances.of_group(placed.group_id))
    there += each->version_id == placed.version_id && each->application == placed.application
             && each->goal != instance_goal::stop && is_in_place(before, *each);
  std::size_t silent = 0;
  for (const auto& [name, row] : before.machines) {
    const auto* now
      = after(c.machines, before.machines, name, [](const messages::machine& x) { return x.name; });
    silent += row.lost && now->lost;
  }
  if (there >= app->instances && silent * 3 > before.machines.size())
    fail("nothing is replaced while too many are silent",
         fmt::format("{} is placed while {} of {} are", placed.id, silent, before.machines.size()));
}

/// It was ready once, or is given up and does not count.
bool checks::is_proven(const farm& f, const std::string& id) const {
  auto row = f.instances.find(id);
  if (row == f.instances.end() || row->second.goal == instance_goal::stop)
    return true;
  auto known = all_.find(id);
  return known != all_.end() && was_ready(known->second, clock_.now());
}

void checks::check_held(const farm& before, const change& c, const instance& started) {
  auto r = before.rollouts.find(started.group_id);
  const auto* now = after(c.rollouts, before.rollouts, started.group_id,
                          [](const rollout& x) { return x.group_id; });
  if (r == before.rollouts.end() || !contains(r->second.coming, started.id)
      || now->id != r->second.id)
    return;
  if (r->second.paused && now->paused)
    fail("a paused rollout starts nothing", started.id + " is told to run");
  auto asks = [](const rollout& x) {
    return x.canary == canary_state::trial || x.canary == canary_state::waiting;
  };
  if (!asks(r->second) || !asks(*now))
    return;
  const auto* app = application_of(before, started);
  std::size_t told = 0;
  for (const auto& id : r->second.coming) {
    const auto* row
      = after(c.instances, before.instances, id, [](const instance& x) { return x.id; });
    told += row && row->application == started.application && row->goal == instance_goal::run;
  }
  if (app && told > app->rollout.canary && has_canaries(before, r->second))
    fail("canaries come alone until they are promoted",
         fmt::format("{} of {} are told to run", told, started.application));
}

bool checks::makes_room(const farm& before, const change& c, const rollout& r,
                        const instance& old) const {
  auto v = before.versions.find(r.to);
  const auto* app
    = v == before.versions.end() ? nullptr : actors::application_of(v->second, old.application);
  bool may = app && app->rollout.order == rollout_order::stop_first && !r.each_alone && !r.paused
             && contains(r.leaving, old.id);
  if (!may)
    return false;
  std::size_t total = 0;
  std::size_t there = 0;
  for (const auto* ids : {&r.coming, &r.leaving})
    for (const auto& id : *ids) {
      const auto* row
        = after(c.instances, before.instances, id, [](const instance& x) { return x.id; });
      if (!row || row->application != old.application)
        continue;
      bool comes = ids == &r.coming;
      total += comes;
      there += row->goal != instance_goal::stop && (!comes || is_ready(id));
    }
  const auto& parallel = app->rollout.parallel;
  std::size_t at_once = parallel.percent ? (total * parallel.value + 99) / 100 : parallel.value;
  return there + std::max<std::size_t>(at_once, 1) >= total;
}

/// As many as are wanted are ready without it, within reach: one that was replaced is back.
bool checks::is_surplus(const farm& before, const change& c, const instance& old) const {
  const auto* app = application_of(before, old);
  if (!app || app->strategy == "one-per-machine")
    return false;
  std::size_t rest = 0;
  for (const auto* each : before.instances.of_group(old.group_id)) {
    const auto* row
      = after(c.instances, before.instances, each->id, [](const instance& x) { return x.id; });
    auto m = before.machines.find(each->machine);
    rest += row->application == old.application && row->version_id == old.version_id
            && row->goal == instance_goal::run && is_ready(row->id) && m != before.machines.end()
            && !m->second.lost;
  }
  return rest >= app->instances;
}

/// It was ready once.
bool checks::is_ready(const std::string& id) const {
  auto known = all_.find(id);
  return known != all_.end() && was_ready(known->second, clock_.now());
}

/// `old` is to stop: then it is not of the version that stays, and where it is of the one that was
/// deployed until now, every new instance has proved itself.
void checks::check_proven(const farm& before, const change& c, const instance& old) {
  const auto& v = before.versions.at(old.version_id);
  const auto* g = after(c.groups, before.groups, v.group_id, [](const group& x) { return x.id; });
  if (!g || g->deployed_version == 0 || actors::is_stopped(*g, old.application))
    return;
  if (g->deployed_version == old.version_id) {
    auto r = before.rollouts.find(v.group_id);
    bool within = r != before.rollouts.end() && r->second.to == old.version_id;
    // What a rollout within the version began, and gives up again, is no part of it yet; what it
    // replaces leaves when the others are proven.
    bool comes = within && contains(r->second.coming, old.id);
    bool leaves = within && contains(r->second.leaving, old.id)
                  && std::all_of(r->second.coming.begin(), r->second.coming.end(),
                                 [&](const std::string& id) { return is_proven(before, id); });
    bool in_turn = r != before.rollouts.end() && makes_room(before, c, r->second, old);
    // A job that is done serves nobody, wherever it was.
    if (actors::is_finished_job(old.seen.state, old.seen.exit))
      return;
    if (!comes && !leaves && !in_turn && is_protected(before, old) && !is_surplus(before, c, old))
      fail("the deployed version is left alone", old.id + " is to stop");
    return;
  }
  if (before.groups.at(v.group_id).deployed_version != old.version_id)
    return;
  for (const auto& [id, unchanged] : before.instances) {
    const auto* row
      = after(c.instances, before.instances, id, [](const instance& x) { return x.id; });
    if (row->version_id != g->deployed_version || row->goal == instance_goal::stop)
      continue;
    auto known = all_.find(id);
    if (known == all_.end() || !was_ready(known->second, clock_.now()))
      fail("the old version stays until the new one is proven",
           fmt::format("{} is to stop, but {} of version {} never was ready", old.id, id,
                       g->deployed_version));
  }
}

void checks::after_commit(const change& c) {
  for (const auto& each : c.machines) {
    auto wanted = actors::assignment_head_of(db_.farm(), each.name);
    assigned_[{each.name, wanted.generation}] = wanted.digest;
  }
}

void checks::after_save(const std::string& machine, const agent::agent_record& before,
                        const agent::agent_record& now) {
  if (now.generation < before.generation || now.epoch < before.epoch)
    fail("a lower epoch or generation changes nothing",
         fmt::format("{} goes from generation {} of epoch {} to {} of {}", machine,
                     before.generation, before.epoch, now.generation, now.epoch));
  auto wanted = assigned_.find({machine, now.generation});
  bool known
    = now.generation == 0 || (wanted != assigned_.end() && wanted->second == digest_of(now.specs));
  if (!known)
    fail("agents hold what the server assigned",
         fmt::format("{} holds {} instances as generation {}, which never was", machine,
                     now.specs.size(), now.generation));
}

void checks::before_launch(const std::string& machine, const std::string& id) {
  auto known = all_.find(id);
  if (known != all_.end() && known->second.running)
    fail("no instance is started twice",
         fmt::format("{} is started on {} and runs on {}", id, machine, known->second.machine));
  if (!told_to_run_.contains(id))
    fail("only what is wanted is started", fmt::format("{} on {}", id, machine));
  auto row = db_.farm().instances.find(id);
  if (row != db_.farm().instances.end() && row->second.machine != machine)
    fail("instances run where they were placed",
         fmt::format("{} starts on {} instead of {}", id, machine, row->second.machine));
}

void checks::before_end(const std::string& machine, const std::string& id) {
  auto known = all_.find(id);
  // What is unhealthy is restarted.
  if (known == all_.end() || !known->second.running || is_known_bad(known->second))
    return;
  auto row = db_.farm().instances.find(id);
  if (row != db_.farm().instances.end() && row->second.goal != instance_goal::stop)
    fail("what is wanted is left alone", fmt::format("{} on {} is ended", id, machine));
}

std::vector<const instance*> checks::served_by(const std::string& machine) const {
  std::vector<const instance*> out;
  const auto& f = db_.farm();
  for (const auto& [id, row] : f.instances)
    if (row.machine == machine && row.seen.state == instance_state::ready
        && f.groups.at(f.versions.at(row.version_id).group_id).name == "g0")
      out.push_back(&row);
  return out;
}

void checks::before_target_ends(const machine& box, const std::string& id) {
  auto leads = box.rules.find(public_port);
  auto row = db_.farm().instances.find(id);
  bool leads_to_it = leads != box.rules.end() && row != db_.farm().instances.end()
                     && !row->second.seen.ports.empty()
                     && row->second.seen.ports[0] == leads->second;
  auto known = all_.find(id);
  if (!leads_to_it || known == all_.end() || !known->second.running)
    return;
  for (const auto* other : served_by(row->second.machine)) {
    auto p = all_.find(other->id);
    if (other->id != id && other->goal == instance_goal::run && p != all_.end()
        && p->second.running)
      fail(is_known_bad(known->second) ? "a public port leads away from what is unhealthy"
                                       : "a public port leaves before its instance is stopped",
           fmt::format("{} is ended on {}, {} is ready", id, row->second.machine, other->id));
  }
}

void checks::before_acknowledgement(const std::string& order_id) {
  if (!order_id.empty() && !db_.farm().receipts.contains(order_id))
    fail("what is acknowledged is committed", order_id + " is acknowledged and not stored");
}

// -- the end --------------------------------------------------------------------------------------

void checks::at_the_end(const std::map<std::string, std::unique_ptr<agent_host>>& agents,
                        const std::set<std::string>& switched_off) {
  const auto& f = db_.farm();
  for (const auto& [id, r] : f.rollouts)
    if (!r.order_id.empty() || !may_fail(f.versions.at(r.to)))
      fail("everything converges", fmt::format("group {} is still in {} of version {}",
                                               f.groups.at(id).name, to_text(r.phase), r.to));
  std::set<std::string> present;
  for (const auto& [name, each] : agents)
    if (!switched_off.contains(name)) {
      present.insert(name);
      check_agent(*each);
      check_public_port(*each);
    }
  for (const auto& [id, row] : f.instances)
    if (present.contains(row.machine))
      check_instance(row);
  for (const auto& [id, each] : all_)
    if (each.running && present.contains(each.machine) && !f.instances.contains(id))
      fail("nothing is left behind", fmt::format("{} runs on {}", id, each.machine));
  for (const auto& [gid, g] : f.groups)
    if (auto v = f.versions.find(g.deployed_version); v != f.versions.end())
      for (const auto& app : v->second.applications)
        check_application(v->second, app, present);
  check_orders();
  check_told_states();
}

/// Pinned to bytes that were wrong, so that it cannot come to another machine, or never proven.
bool checks::may_fail(const version& v) const {
  return std::any_of(v.applications.begin(), v.applications.end(),
                     [&](const application& app) {
                       return unproven_.contains({v.id, app.name});
                     })
         || std::any_of(v.applications.begin(), v.applications.end(), [&](const application& app) {
              return web_.tainted.contains(app.download_url);
            });
}

/// Everything of it that should be somewhere is there.
void checks::check_application(const version& v, const application& app,
                               const std::set<std::string>& present) {
  const auto& f = db_.farm();
  if (actors::is_stopped(f.groups.at(v.group_id), app.name)) {
    for (const auto* each : f.instances.of_group(v.group_id))
      if (each->application == app.name && each->goal != instance_goal::stop)
        fail("what is stopped on purpose stays stopped", each->id + " is wanted");
    return;
  }
  if (may_fail(v))
    return;
  std::map<std::string, std::size_t> on;
  std::size_t total = 0;
  std::size_t misplaced = 0;
  std::size_t silent = 0;
  bool all_present = true;
  // One that was forgotten takes its instances with it, also where there is no other one for them.
  bool could_be = std::any_of(f.machines.begin(), f.machines.end(), [&](const auto& each) {
    return !each.second.lost && actors::is_eligible(each.second, app);
  });
  for (const auto& [id, row] : f.instances) {
    if (row.version_id != v.id || row.application != app.name || row.goal != instance_goal::run)
      continue;
    if (!is_in_place(f, row)) {
      ++misplaced;
      continue;
    }
    ++on[row.machine];
    ++total;
    silent += f.machines.at(row.machine).lost;
    all_present &= present.contains(row.machine);
  }
  auto name = fmt::format("{} of version {}", app.name, v.id);
  // One whose machine left its machine group waits for the one in its place.
  if (misplaced > 0 && total >= app.instances && all_present)
    fail("everything converges", fmt::format("{} has {} misplaced instances", name, misplaced));
  // A job that was run is not run again elsewhere.
  bool too_few = app.always_on && could_be && total + misplaced < app.instances;
  bool too_many = total - silent > app.instances;
  if (app.strategy != "one-per-machine" && (too_few || too_many))
    fail("everything converges",
         fmt::format("{} has {} instances, not {}", name, total, app.instances));
  check_replaced(app, name, total + misplaced - silent);
  for (const auto& each : present)
    if (auto row = f.machines.find(each); app.strategy == "one-per-machine" && app.always_on
                                          && row != f.machines.end()
                                          && actors::is_eligible(row->second, app) && on[each] != 1)
      fail("everything converges", fmt::format("{} has {} instances on {}", name, on[each], each));
}

/// What was on machines that are silent for good is elsewhere, where it may be.
void checks::check_replaced(const application& app, const std::string& name,
                            std::size_t within_reach) {
  const auto& f = db_.farm();
  bool is_wanted = app.replace_after && *app.replace_after != never_replaced && app.always_on
                   && app.strategy != "one-per-machine";
  std::size_t silent = 0;
  bool could_be = false;
  for (const auto& [id, each] : f.machines) {
    silent += each.lost;
    could_be |= !each.lost && actors::is_eligible(each, app);
  }
  if (is_wanted && could_be && silent * 3 <= f.machines.size() && within_reach < app.instances)
    fail(
      "what ran on lost machines is replaced",
      fmt::format("{} has {} instances within reach, not {}", name, within_reach, app.instances));
}

/// What a failed rollout left for looking at, until somebody orders something.
bool checks::is_left(const instance& row) const {
  const auto& f = db_.farm();
  const auto& v = f.versions.at(row.version_id);
  const auto* app = application_of(f, row);
  return row.goal == instance_goal::run && app && !app->rollout.auto_revert
         && f.groups.at(v.group_id).deployed_version != v.id && !f.rollouts.contains(v.group_id)
         && (v.state == version_state::failed || v.state == version_state::retired);
}

void checks::check_instance(const instance& row) {
  const auto& f = db_.farm();
  if (is_left(row))
    return;
  // What can't come is tried again and again.
  const auto& v = f.versions.at(row.version_id);
  if (may_fail(v) && f.rollouts.contains(v.group_id))
    return;
  auto where = fmt::format("{} on {}", row.id, row.machine);
  if (row.goal == instance_goal::stop)
    return fail("everything converges", where + " is not gone");
  if (row.version_id != f.groups.at(f.versions.at(row.version_id).group_id).deployed_version)
    return fail("everything converges",
                fmt::format("{} is of version {}, which is not deployed", where, row.version_id));
  if (row.goal == instance_goal::fetch)
    return fail("everything converges", where + " is not told to run");
  auto known = all_.find(row.id);
  // A version that is pinned to bytes which were wrong cannot come to a machine that joins later.
  const auto* app = application_of(f, row);
  if (known == all_.end() && app && web_.tainted.contains(app->download_url))
    return;
  if (known == all_.end())
    return fail("everything converges", where + " was never started: " + row.seen.reason);
  const auto& p = known->second;
  bool steady = p.behaves != nature::crashes && p.behaves != nature::job;
  if (steady && !p.running)
    return fail("everything converges", fmt::format("{} does not run: {}", where, row.seen.reason));
  if (steady && row.seen.state != instance_state::ready)
    fail("the server knows what is",
         fmt::format("{} is {} to the server", where, to_text(row.seen.state)));
  if (steady && row.seen.pid != p.pid)
    fail("the server knows what is",
         fmt::format("{} has pid {}, the server says {}", where, p.pid, row.seen.pid));
  if (p.behaves == nature::job && row.seen.state != instance_state::stopped)
    fail("everything converges", fmt::format("{} is {}, not done", where, to_text(row.seen.state)));
  auto restarts = static_cast<std::uint32_t>(p.launches - 1);
  // One that crashes may be between two reports.
  bool just_started = p.behaves == nature::crashes && clock_.now() - p.started < 2s;
  if (!p.memory_lost && !just_started && row.seen.restarts != restarts)
    fail("no restart is forgotten", fmt::format("{} was restarted {} times, the server says {}",
                                                where, restarts, row.seen.restarts));
  if (!p.memory_lost && p.last_exit && steady && row.seen.exit != p.last_exit)
    fail("no exit code is lost", fmt::format("{} ended with {}, the server says {}", where,
                                             *p.last_exit, row.seen.exit.value_or(-1)));
}

void checks::check_agent(const agent_host& agent) {
  const auto& f = db_.farm();
  if (!agent.runs())
    return fail("everything converges", "the agent of " + agent.name() + " does not run");
  auto row = f.machines.find(agent.name());
  if (row == f.machines.end())
    return fail("everything converges", agent.name() + " is not known to the server");
  auto wanted = actors::assignment_head_of(f, agent.name());
  const auto& saved = agent.box.saved;
  bool same = actors::assignment_head{saved.generation, digest_of(saved.specs)} == wanted;
  if (!same)
    fail("store and agents agree",
         fmt::format("{} holds generation {} of {} instances, the store {} of {}", agent.name(),
                     saved.generation, saved.specs.size(), wanted.generation,
                     f.instances.on_machine(agent.name()).size()));
  // The clocks may be off for good.
  for (const auto& each : row->second.troubles)
    if (each.what.find("clock") == std::string::npos)
      fail("what is over is told", fmt::format("{} still says: {}", agent.name(), each.what));
  for (const auto& [id, each] : agent.box.instances)
    for (auto port : each.granted.ports)
      if (each.running && agent.box.taken_ports.contains(port))
        fail("a port that was taken is exchanged", fmt::format("{} has port {}", id, port));
  for (const auto& [id, each] : agent.box.instances)
    if (!f.instances.contains(id) || f.instances.at(id).machine != agent.name())
      fail("nothing is left behind", fmt::format("{} is on {}", id, agent.name()));
}

/// The public port leads to the newest ready instance, or nowhere.
void checks::check_public_port(const agent_host& agent) {
  if (!agent.box.applications || agent.box.applications->empty())
    return;
  const instance* newest = nullptr;
  for (const auto* each : served_by(agent.name())) {
    auto p = all_.find(each->id);
    // One that crashes now and then is ready to some and gone to others.
    if (p == all_.end() || p->second.behaves == nature::crashes)
      return;
    if (!newest
        || std::tie(newest->seen.ready_at, newest->version_id, newest->id)
             < std::tie(each->seen.ready_at, each->version_id, each->id))
      newest = each;
  }
  auto leads = agent.box.rules.find(public_port);
  auto to = leads == agent.box.rules.end() ? 0 : leads->second;
  auto wanted = newest && !newest->seen.ports.empty() ? newest->seen.ports[0] : 0;
  if (to != wanted)
    fail("a public port leads to the newest ready instance",
         fmt::format("on {} it leads to {}, not {}", agent.name(), to, wanted));
}

/// Who read every event knows what the tables say.
void checks::check_told_states() {
  std::map<std::string, instance_state> told;
  for (const auto& each : db_.events())
    if (const auto* what = std::get_if<instance_change>(&each.what))
      told[what->id] = what->to;
  for (const auto& [id, row] : db_.farm().instances)
    if (told.contains(id) && told[id] != row.seen.state)
      fail("store and events agree", fmt::format("{} was told to be {}, the store says {}", id,
                                                 to_text(told[id]), to_text(row.seen.state)));
  std::map<std::string, machine_state> machines;
  for (const auto& each : db_.events())
    if (const auto* what = std::get_if<machine_change>(&each.what))
      machines[what->machine] = what->to;
  for (const auto& [name, row] : db_.farm().machines) {
    auto is = row.lost ? machine_state::unreachable : actors::state_within_reach(db_.farm(), row);
    if (machines.contains(name) && machines[name] != is)
      fail("store and events agree", fmt::format("{} was told to be {}, the store says {}", name,
                                                 to_text(machines[name]), to_text(is)));
  }
}

/// Every rollout that began has ended, once, and what an order was answered tells which one is its.
void checks::check_orders() {
  std::map<std::pair<std::string, std::uint64_t>, std::pair<int, int>> begun_and_ended;
  for (const auto& each : db_.events()) {
    const auto* step = std::get_if<rollout_step>(&each.what);
    const auto* end = std::get_if<rollout_finished>(&each.what);
    if (step && step->phase == "accepted")
      ++begun_and_ended[{each.group, step->rollout}].first;
    else if (end)
      ++begun_and_ended[{each.group, end->rollout}].second;
  }
  for (const auto& [gid, r] : db_.farm().rollouts)
    ++begun_and_ended[{db_.farm().groups.at(gid).name, r.id}].second;
  for (const auto& [key, counts] : begun_and_ended)
    if (counts.first != 1 || counts.second != 1)
      fail("every rollout has one end",
           fmt::format("rollout {} of {}: {} began, {} ended", key.second, key.first, counts.first,
                       counts.second));
  for (const auto& [id, kept] : db_.farm().receipts)
    for (const auto& each : kept.versions)
      if (!begun_and_ended.contains({each.group, each.rollout}))
        fail("every rollout has one end",
             fmt::format("{} was answered with rollout {} of {}, which never was", id, each.rollout,
                         each.group));
}

void checks::at_the_end(const client& watcher, std::size_t published) {
  for (const auto& each : watcher.answers())
    if (std::holds_alternative<accepted>(each.answer)
        && !db_.farm().receipts.contains(each.order_id))
      fail("no acknowledged order is lost", each.order_id);
  if (watcher.waiting() > 0)
    fail("everything converges",
         fmt::format("{} orders of {} are not answered", watcher.waiting(), watcher.name()));
  const auto& all = db_.events();
  auto from = static_cast<std::size_t>(watcher.seen_from());
  const auto& seen = watcher.seen();
  if (from + seen.size() < published || from + seen.size() > all.size())
    return fail("watchers see every event once",
                fmt::format("{} saw {} events above {}, there are {}", watcher.name(), seen.size(),
                            from, all.size()));
  for (std::size_t i = 0; i < seen.size(); ++i)
    if (!(seen[i] == all[from + i]))
      return fail("watchers see every event once",
                  fmt::format("event {} of {} is another one", from + i + 1, watcher.name()));
}

} // namespace deployminator::simulation
