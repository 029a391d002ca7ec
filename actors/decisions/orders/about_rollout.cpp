#include "actors/decisions/groups.hpp"
#include "actors/decisions/orders/order.hpp"
#include "actors/decisions/rollout_change.hpp"
#include "actors/decisions/rollout_table.hpp"

#include <fmt/format.h>

/// What people say to a rollout: `promote`, `abort`, `pause`, `resume`.
namespace deployminator::actors {

using namespace messages;

namespace {

/// The rollout that the group is in, or null.
const rollout* rollout_of(const farm& f, const group& g) {
  auto found = f.rollouts.find(g.id);
  return found == f.rollouts.end() ? nullptr : &found->second;
}

/// Where the group is, for people.
std::string state_text(const rollout* r) {
  if (r == nullptr)
    return "no rollout is under way";
  if (r->to == 0)
    return "it is being undeployed";
  auto what = fmt::format("the rollout of version {}", r->to);
  if (r->phase == rollout_phase::stopping_new)
    return what + " is being undone already";
  if (r->phase == rollout_phase::stopping_old)
    return what + " is as good as done: every new instance is ready, and the old ones stop";
  if (r->paused)
    return what + " is paused";
  return fmt::format("{} is {}", what, to_text(r->phase));
}

failure refusal_of(const group& g, const rollout* r, const std::string& verb,
                   const std::string& hint) {
  bool is_upkeep = r != nullptr && r->order_id.empty();
  return {failure_code::refused,
          fmt::format("{}/{}: there is nothing to {}: {}", g.namespace_, g.name, verb,
                      is_upkeep ? "what is under way brings back what is missing" : state_text(r)),
          is_upkeep ? "`deploy stop` ends that" : hint};
}

std::vector<group_version> answer_about(const group& g, const rollout& r) {
  return {{g.namespace_, g.name, r.to, r.id}};
}

/// Notes what was said to the rollout, which goes on as `change` leaves it.
template <class Change>
std::vector<group_version> say(edit& c, const group& g, const std::string& step,
                               const std::string& reason, Change change) {
  auto& r = c.rollout(g.id);
  change(r);
  c.note_done(r, reason);
  c.tell(g, r.to, rollout_step{step, reason, r.id, c.who().name});
  return answer_about(g, r);
}

/// Stops what failed rollouts left for looking at.
versions_or_refusal clean_up(edit& c, const group& g, const std::string& order_id) {
  auto left = leaving_for(c.before(), g, g.deployed_version);
  if (left.empty())
    return refusal_of(g, nullptr, "abort",
                      "`deploy rollback` goes back to the version before the deployed one");
  rollout r;
  r.group_id = g.id;
  r.to = g.deployed_version;
  r.leaving = std::move(left);
  r.order_id = order_id;
  r.purpose = "what a failed rollout left for looking at stops";
  auto id = begin_rollout(c, std::move(r)).id;
  stop_leaving(c, g.id);
  return std::vector<group_version>{{g.namespace_, g.name, g.deployed_version, id}};
}

} // namespace

versions_or_refusal order_kind<promote_rollout>::decide(edit& c, const promote_rollout& order,
                                                        const plan&) {
  auto g = find_group(c.before(), order.namespace_, order.group);
  if (!g)
    return g.error();
  const auto* r = rollout_of(c.before(), *g);
  if (effect_of(r, intervention::promote) != effect::promotes)
    return refusal_of(*g, r, "promote", "`rollout.canary` in deploy.yaml makes a rollout ask");
  return say(c, *g, "promoted", "the rest may come",
             [](rollout& row) { row.canary = canary_state::promoted; });
}

versions_or_refusal order_kind<abort_rollout>::decide(edit& c, const abort_rollout& order,
                                                      const plan&) {
  auto g = find_group(c.before(), order.namespace_, order.group);
  if (!g)
    return g.error();
  const auto* r = rollout_of(c.before(), *g);
  auto what = effect_of(r, intervention::abort);
  if (what == effect::cleans)
    return clean_up(c, *g, order.order_id);
  if (what != effect::reverts)
    return refusal_of(*g, r, "abort",
                      "`deploy rollback` goes back to the version before the deployed one");
  revert_rollout(c, g->id);
  return say(c, *g, "aborted", "what came stops, and the old stays", [](rollout&) {});
}

versions_or_refusal order_kind<pause_rollout>::decide(edit& c, const pause_rollout& order,
                                                      const plan&) {
  auto g = find_group(c.before(), order.namespace_, order.group);
  if (!g)
    return g.error();
  const auto* r = rollout_of(c.before(), *g);
  if (effect_of(r, intervention::pause) != effect::pauses)
    return refusal_of(*g, r, "pause", "`deploy status` shows what is under way");
  return say(c, *g, "paused", "nothing new starts and nothing old stops until `deploy resume`",
             [](rollout& row) { row.paused = true; });
}

versions_or_refusal order_kind<resume_rollout>::decide(edit& c, const resume_rollout& order,
                                                       const plan&) {
  auto g = find_group(c.before(), order.namespace_, order.group);
  if (!g)
    return g.error();
  const auto* r = rollout_of(c.before(), *g);
  if (effect_of(r, intervention::resume) != effect::resumes)
    return refusal_of(*g, r, "resume", "`deploy status` shows what is paused");
  return say(c, *g, "resumed", "it goes on", [](rollout& row) { row.paused = false; });
}

} // namespace deployminator::actors
