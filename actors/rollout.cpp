#include "actors/rollout.hpp"

namespace deployminator::actors {

namespace {

using rollout_pointer = rollout_actor::stateful_pointer<rollout_state>;

/// Notes what the new view begins: a phase, an instance that is told to run.
void keep_time(rollout_state& state, const rollout_view_ptr& view,
               caf::actor_clock::time_point now) {
  bool same_phase = state.view && state.view->rollout.phase == view->rollout.phase
                    && state.view->rollout.version_id == view->rollout.version_id;
  if (!same_phase)
    state.phase_since = now;
  std::map<std::string, caf::actor_clock::time_point> running;
  for (const auto& each : view->instances) {
    if (each.goal != messages::instance_goal::run)
      continue;
    auto known = state.told_to_run.find(each.id);
    running[each.id] = known == state.told_to_run.end() ? now : known->second;
  }
  state.told_to_run = std::move(running);
  state.view = view;
}

rollout_waits waits_at(const rollout_state& state, caf::actor_clock::time_point now) {
  auto since = [now](caf::actor_clock::time_point then) {
    return std::chrono::duration_cast<messages::duration>(now - then);
  };
  rollout_waits out{since(state.phase_since), {}};
  for (const auto& [id, then] : state.told_to_run)
    out.told_to_run[id] = since(then);
  return out;
}

void look(rollout_pointer self) {
  auto& state = self->state;
  auto waits = waits_at(state, self->clock().now());
  auto decision = next_step(*state.view, waits);
  if (!is_empty(decision))
    self->send(state.deployminator, atom::advance_v, state.view->group.id, state.view->revision,
               rollout_decision_ptr{std::make_shared<const rollout_decision>(std::move(decision))});
  if (auto wait = next_look(*state.view, waits))
    self->delayed_send(self, *wait + messages::duration{1}, atom::tick_v, state.view->revision);
}

} // namespace

rollout_actor::behavior_type rollout(rollout_actor::stateful_pointer<rollout_state> self,
                                     deployminator_actor deployminator) {
  self->monitor(deployminator);
  self->set_down_handler([self](const caf::down_msg&) { self->quit(); });
  self->state.deployminator = std::move(deployminator);
  return {
    [self](atom::update, const rollout_view_ptr& view) {
      keep_time(self->state, view, self->clock().now());
      look(self);
    },
    [self](atom::tick, std::uint64_t revision) {
      if (self->state.view && self->state.view->revision == revision)
        look(self);
    },
  };
}

} // namespace deployminator::actors
