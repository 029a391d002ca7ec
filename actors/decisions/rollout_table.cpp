#include "actors/decisions/rollout_table.hpp"

#include <array>

namespace deployminator::actors {

using namespace messages;

namespace {

using enum effect;

/// A row for each situation, a column for each intervention.
constexpr std::array<std::array<effect, 9>, 6> effects{{
  {begins, begins, begins, begins, refused, cleans, refused, refused, begins},
  {supersedes, supersedes, supersedes, refused, refused, reverts, pauses, refused, follows},
  {supersedes, supersedes, supersedes, refused, promotes, reverts, pauses, refused, follows},
  {supersedes, supersedes, supersedes, refused, refused, reverts, pauses, refused, follows},
  {completes, supersedes, completes, refused, refused, refused, refused, refused, follows},
  {fails, fails, fails, refused, refused, refused, refused, refused, follows},
}};

bool is_within_a_version(const rollout& r) {
  return r.to != 0 && r.to == r.from;
}

bool asks_to_hold(intervention what) {
  return what == intervention::abort || what == intervention::pause || what == intervention::resume;
}

} // namespace

situation situation_of(const rollout* r) {
  if (r == nullptr)
    return situation::at_rest;
  bool is_on_trial = r->canary == canary_state::trial || r->canary == canary_state::waiting;
  switch (r->phase) {
    case rollout_phase::fetching:
      return is_on_trial ? situation::on_trial : situation::fetching;
    case rollout_phase::starting:
      return is_on_trial ? situation::on_trial : situation::starting;
    case rollout_phase::stopping_old:
      return situation::stopping_old;
    case rollout_phase::stopping_new:
      break;
  }
  return situation::stopping_new;
}

effect effect_of(const rollout* r, intervention what) {
  auto cell = [&](intervention column) {
    return effects[static_cast<std::size_t>(situation_of(r))][static_cast<std::size_t>(column)];
  };
  if (r == nullptr)
    return cell(what);
  if (what == intervention::start_or_restart && is_within_a_version(*r))
    return cell(intervention::another_version);
  if (asks_to_hold(what) && r->order_id.empty())
    return refused;
  bool can_be_held = cell(intervention::pause) == pauses;
  if (what == intervention::pause && r->paused)
    return refused;
  if (what == intervention::resume && r->paused && can_be_held)
    return resumes;
  return cell(what);
}

} // namespace deployminator::actors
