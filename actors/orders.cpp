#include "actors/orders.hpp"

#include "actors/common/errors.hpp"
#include "actors/common/logging.hpp"
#include "actors/decisions/access.hpp"
#include "messages/order_digest.hpp"

#include <utility>

namespace deployminator::actors {

namespace {

using namespace std::chrono_literals;
using namespace messages;
using orders_pointer = orders_actor::stateful_pointer<orders_state>;

/// Longer than the DEPLOYMINATOR may take to learn who is there after the start, and to commit.
constexpr auto order_decision_timeout = 90s;
/// Longer than all STRATEGIES of a large order together.
constexpr auto plan_timeout = 60s;

const std::string& order_id_of(const order& o) {
  return std::visit([](const auto& each) -> const std::string& { return each.order_id; }, o);
}

void answer(orders_pointer self, const pending_order_ptr& o, const result<message_ptr>& outcome) {
  self->state.under_way.erase(o->id);
  if (!outcome)
    common::log::info("order was refused",
                      {{"id", o->id}, {"by", o->who.name}, {"reason", outcome.error().message}});
  for (auto& each : o->answers) {
    if (outcome)
      each.deliver(*outcome);
    else
      each.deliver(to_error(outcome.error()));
  }
}

void place_next(orders_pointer self);

/// Has it carried out; where the farm has gone on meanwhile it is placed again, before all others.
void carry_out(orders_pointer self, const pending_order_ptr& o, plan where) {
  auto call
    = std::make_shared<const order_call>(order_call{*o->what, o->digest, o->who, std::move(where)});
  self
    ->request(self->state.deployminator, order_decision_timeout, atom::order_v,
              order_call_ptr{std::move(call)})
    .then(
      [self, o](const message_ptr& accepted) {
        if (accepted)
          return answer(self, o, accepted);
        self->state.waiting.push_front(o);
        place_next(self);
      },
      [self, o](const caf::error& e) { answer(self, o, to_failure(e)); });
  self->state.placing = false;
  place_next(self);
}

void give_up(orders_pointer self, const pending_order_ptr& o, const caf::error& why) {
  answer(self, o, to_failure(why));
  self->state.placing = false;
  place_next(self);
}

void place(orders_pointer self, const pending_order_ptr& o, const plan_view_ptr& view) {
  if (view->wishes.empty())
    return carry_out(self, o, begin_plan(*view));
  self->request(self->state.planner, plan_timeout, atom::plan_v, view)
    .then([self, o](const plan_ptr& p) { carry_out(self, o, *p); },
          [self, o](const caf::error& e) { give_up(self, o, e); });
}

void place_next(orders_pointer self) {
  auto& state = self->state;
  if (state.placing || state.waiting.empty())
    return;
  state.placing = true;
  auto o = std::move(state.waiting.front());
  state.waiting.pop_front();
  self->request(state.deployminator, order_decision_timeout, atom::view_v, o->what)
    .then([self, o](const plan_view_ptr& view) { place(self, o, view); },
          [self, o](const caf::error& e) { give_up(self, o, e); });
}

void read(orders_pointer self, const pending_order_ptr& o, const order_ptr& what) {
  self->request(self->state.planner, plan_timeout, atom::read_v, what)
    .then(
      [self, o](const readable_order_ptr& readable) {
        if (auto objection = objection_to_groups(o->who, *readable))
          return answer(self, o, *objection);
        o->what = readable;
        self->state.waiting.push_back(o);
        place_next(self);
      },
      [self, o](const caf::error& e) { answer(self, o, to_failure(e)); });
}

caf::result<message_ptr> take(orders_pointer self, const caller& who, const order_ptr& what) {
  const auto& id = order_id_of(*what);
  if (id.empty() || id.size() > 64)
    return to_error({failure_code::invalid, "an order needs an order_id of 1 to 64 characters",
                     "choose a random one for each order"});
  auto digest = digest_of(*what);
  auto& known = self->state.under_way[id];
  bool is_new = !known;
  if (is_new)
    known = std::make_shared<pending_order>(pending_order{id, who, digest, {}, {}});
  else if (known->digest != digest)
    return to_error(other_order_under(id));
  auto promise = self->make_response_promise<message_ptr>();
  known->answers.push_back(promise);
  if (is_new)
    read(self, known, what);
  return promise;
}

// -- what an order would do -----------------------------------------------------------------------

/// A group in which something changes all the time; who asks may ask again.
constexpr int most_stale_plans = 20;

void refuse(const pending_question_ptr& q, const failure& why) {
  q->answer.deliver(to_error(why));
}

void foresee(orders_pointer self, const pending_question_ptr& q);

void tell(orders_pointer self, const pending_question_ptr& q, plan where) {
  auto call = std::make_shared<const order_call>(order_call{*q->what, 0, q->who, std::move(where)});
  self
    ->request(self->state.deployminator, order_decision_timeout, atom::plan_v,
              order_call_ptr{std::move(call)}, q->offset)
    .then(
      [self, q](const message_ptr& foreseen) {
        if (foreseen)
          q->answer.deliver(foreseen);
        else if (++q->stale_plans < most_stale_plans)
          foresee(self, q);
        else
          refuse(q, {failure_code::timeout, "the farm changes faster than it can be planned",
                     "try again in a while"});
      },
      [q](const caf::error& e) { refuse(q, to_failure(e)); });
}

void foresee(orders_pointer self, const pending_question_ptr& q) {
  auto fail = [q](const caf::error& e) { refuse(q, to_failure(e)); };
  self->request(self->state.deployminator, order_decision_timeout, atom::view_v, q->what)
    .then(
      [self, q, fail](const plan_view_ptr& view) {
        if (view->wishes.empty())
          return tell(self, q, begin_plan(*view));
        self->request(self->state.planner, plan_timeout, atom::plan_v, view)
          .then([self, q](const plan_ptr& p) { tell(self, q, *p); }, fail);
      },
      fail);
}

caf::result<message_ptr> plan_only(orders_pointer self, const caller& who,
                                   const plan_build& asked) {
  auto order_asked_about = asked.order;
  order_asked_about.order_id.clear();
  order_asked_about.plan_digest.clear();
  auto q = std::make_shared<pending_question>(
    pending_question{who, {}, asked.offset, 0, self->make_response_promise<message_ptr>()});
  self
    ->request(self->state.planner, plan_timeout, atom::read_v,
              order_ptr{std::make_shared<const order>(std::move(order_asked_about))})
    .then(
      [self, q](const readable_order_ptr& readable) {
        if (auto objection = objection_to_groups(q->who, *readable))
          return refuse(q, *objection);
        q->what = readable;
        foresee(self, q);
      },
      [q](const caf::error& e) { refuse(q, to_failure(e)); });
  return q->answer;
}

} // namespace

orders_actor::behavior_type orders(orders_actor::stateful_pointer<orders_state> self,
                                   deployminator_actor deployminator, planner_actor planner) {
  self->state.deployminator = std::move(deployminator);
  self->state.planner = std::move(planner);
  return {
    [self](atom::order, const caller& who, const order_ptr& what) { return take(self, who, what); },
    [self](atom::plan, const caller& who, const plan_build_ptr& asked) {
      return plan_only(self, who, *asked);
    },
  };
}

} // namespace deployminator::actors
