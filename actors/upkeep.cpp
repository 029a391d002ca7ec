#include "actors/upkeep.hpp"

#include "actors/common/errors.hpp"
#include "actors/common/logging.hpp"

#include <utility>

namespace deployminator::actors {

namespace {

using namespace std::chrono_literals;
using upkeep_pointer = upkeep_actor::stateful_pointer<upkeep_state>;

constexpr auto answer_timeout = 90s;

messages::duration steady_now(upkeep_pointer self) {
  return std::chrono::duration_cast<messages::duration>(self->clock().now().time_since_epoch());
}

void look_at_next(upkeep_pointer self);

void look_on(upkeep_pointer self) {
  self->state.busy = false;
  look_at_next(self);
}

void note(upkeep_pointer self, std::uint64_t group_id, upkeep_outcome outcome) {
  auto& list = self->state.list;
  switch (outcome) {
    case upkeep_outcome::satisfied:
      list.satisfied(group_id);
      break;
    case upkeep_outcome::moving:
      list.moving(group_id);
      break;
    case upkeep_outcome::lacking:
      list.lacking(group_id, steady_now(self));
      break;
    case upkeep_outcome::stale:
      list.want(group_id, list.occasion_of(group_id));
      break;
  }
  look_on(self);
}

void give_up(upkeep_pointer self, std::uint64_t group_id, const caf::error& why) {
  log::warning("upkeep cannot look at group",
               {{"group", group_id}, {"reason", to_failure(why).message}});
  self->state.list.lacking(group_id, steady_now(self));
  look_on(self);
}

void mend(upkeep_pointer self, std::uint64_t group_id, const plan_ptr& p) {
  auto& state = self->state;
  self
    ->request(state.deployminator, answer_timeout, atom::upkeep_v, group_id, p,
              state.list.occasion_of(group_id))
    .then([self, group_id](upkeep_outcome outcome) { note(self, group_id, outcome); },
          [self, group_id](const caf::error& e) { give_up(self, group_id, e); });
}

void look_at(upkeep_pointer self, std::uint64_t group_id, const plan_view_ptr& view) {
  // It has a rollout, whose end is told, or nothing is deployed.
  if (view->wishes.empty())
    return note(self, group_id, upkeep_outcome::moving);
  self->request(self->state.planner, answer_timeout, atom::plan_v, view)
    .then([self, group_id](const plan_ptr& p) { mend(self, group_id, p); },
          [self, group_id](const caf::error& e) { give_up(self, group_id, e); });
}

void wake_in_time(upkeep_pointer self) {
  auto& state = self->state;
  auto next = state.list.next();
  if (!next || (state.wake && *state.wake <= *next))
    return;
  state.wake = next;
  self->delayed_send(self, std::max(*next - steady_now(self), messages::duration{0}), atom::tick_v);
}

void look_at_next(upkeep_pointer self) {
  auto& state = self->state;
  if (state.busy)
    return;
  auto group_id = state.list.take(steady_now(self));
  if (!group_id)
    return wake_in_time(self);
  state.busy = true;
  self->request(state.deployminator, answer_timeout, atom::view_v, *group_id)
    .then([self, id = *group_id](const plan_view_ptr& view) { look_at(self, id, view); },
          [self, id = *group_id](const caf::error& e) { give_up(self, id, e); });
}

} // namespace

upkeep_actor::behavior_type upkeep_keeper(upkeep_actor::stateful_pointer<upkeep_state> self,
                                          deployminator_actor deployminator,
                                          planner_actor planner) {
  self->state.deployminator = std::move(deployminator);
  self->state.planner = std::move(planner);
  return {
    [self](atom::upkeep, const group_ids_ptr& groups, const std::string& occasion) {
      for (auto each : *groups)
        self->state.list.want(each, occasion);
      look_at_next(self);
    },
    [self](atom::upkeep, std::uint64_t group_id) {
      self->state.list.lacking(group_id, steady_now(self));
      look_at_next(self);
    },
    [self](atom::tick) {
      auto& wake = self->state.wake;
      // One that an earlier time took the place of would wake itself for ever.
      if (!wake || *wake > steady_now(self))
        return;
      wake.reset();
      look_at_next(self);
    },
  };
}

} // namespace deployminator::actors
