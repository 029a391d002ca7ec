#include "actors/rollout.hpp"

#include <utility>

namespace deployminator::actors {

namespace {

using rollout_pointer = rollout_actor::stateful_pointer<rollout_state>;

/// Has itself woken in time; one timer is enough, and the next look sets the next.
void wake_in(rollout_pointer self, messages::duration now, messages::duration wait) {
  auto& state = self->state;
  auto due = now + wait + messages::duration{1};
  if (state.wake && *state.wake <= due)
    return;
  state.wake = due;
  self->delayed_send(self, due - now, atom::tick_v, ++state.last_tick);
}

rollout_decision look(rollout_pointer self) {
  auto& state = self->state;
  auto now = std::chrono::duration_cast<messages::duration>(self->clock().now().time_since_epoch());
  state.clock.look(state.view, now);
  if (auto wait = next_look(state.view, state.clock))
    wake_in(self, now, *wait);
  return next_step(state.view, state.clock);
}

void advance(rollout_pointer self, rollout_decision decision) {
  auto& state = self->state;
  self->send(state.deployminator, atom::advance_v, state.group_id,
             rollout_decision_ptr{std::make_shared<const rollout_decision>(std::move(decision))});
}

} // namespace

rollout_actor::behavior_type rollout(rollout_actor::stateful_pointer<rollout_state> self,
                                     std::uint64_t group_id, deployminator_actor deployminator) {
  self->monitor(deployminator);
  self->set_down_handler([self](const caf::down_msg&) { self->quit(); });
  self->state.group_id = group_id;
  self->state.deployminator = std::move(deployminator);
  return {
    [self](atom::update, const rollout_news_ptr& news) {
      apply(self->state.view, *news);
      advance(self, look(self));
    },
    [self](atom::tick, std::uint64_t number) {
      if (number != self->state.last_tick)
        return;
      self->state.wake.reset();
      if (auto decision = look(self); !is_empty(decision))
        advance(self, std::move(decision));
    },
  };
}

} // namespace deployminator::actors
