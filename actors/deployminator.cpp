#include "actors/deployminator.hpp"

#include "actors/attendance.hpp"
#include "actors/commits.hpp"
#include "actors/decisions/foresight.hpp"
#include "actors/decisions/keyring.hpp"
#include "actors/decisions/observation.hpp"
#include "actors/decisions/rollout_change.hpp"
#include "actors/decisions/upkeep.hpp"
#include "actors/questions.hpp"
#include "actors/strategy_troubles.hpp"
#include "store/store.hpp"

#include <utility>

namespace deployminator::actors {

namespace {

using namespace std::chrono_literals;
using namespace messages;

constexpr auto lead_interval = 1s;

/// Clocks do not all go at the same pace.
constexpr auto sure_for = store::lease_term - 500ms;

// -- orders and upkeep ----------------------------------------------------------------------------

/// Answers with the view for what `wishes` yields when its turn comes: behind all that is decided
/// already, and before anything that comes later.
template <class Wishes, class Quiet>
void enqueue_view(deployminator_pointer self, caf::typed_response_promise<plan_view_ptr> answer,
                  Wishes wishes, Quiet quiet) {
  work w;
  // What is decided together with it may fail to be stored: it has been answered then.
  auto was_decided = std::make_shared<bool>(false);
  w.finished = [answer, was_decided](const result<std::uint64_t>& outcome) mutable {
    if (!outcome && !*was_decided)
      answer.deliver(to_error(outcome.error()));
  };
  w.decide = [self, answer, wishes, quiet, was_decided](const farm& f) mutable {
    *was_decided = true;
    auto needed = wishes(f);
    auto& state = self->state;
    if (!needed.empty() && !state.present.is_complete())
      when_complete(self,
                    [self, answer, wishes, quiet] { enqueue_view(self, answer, wishes, quiet); });
    else
      answer.deliver(plan_view_ptr{std::make_shared<const plan_view>(
        view_for(f, state.present, state.queue.revisions(), std::move(needed), quiet(f),
                 state.config.overcommit_percent))});
    return change{};
  };
  enqueue(self, std::move(w));
}

caf::result<plan_view_ptr> view_for_order(deployminator_pointer self,
                                          const readable_order_ptr& order) {
  auto answer = self->make_response_promise<plan_view_ptr>();
  enqueue_view(
    self, answer,
    [order](const farm& f) {
      auto wishes = needs(f, *order);
      return wishes ? std::move(*wishes) : std::vector<wish>{};
    },
    [](const farm&) { return silence{}; });
  return answer;
}

caf::result<plan_view_ptr> view_for_upkeep(deployminator_pointer self, std::uint64_t group_id) {
  auto answer = self->make_response_promise<plan_view_ptr>();
  enqueue_view(
    self, answer, [group_id](const farm& f) { return upkeep_wishes(f, group_id); },
    [self](const farm& f) { return silence_now(self, f); });
  return answer;
}

caf::result<message_ptr> take_order(deployminator_pointer self, const order_call_ptr& call) {
  auto out = std::make_shared<decided_order>();
  auto answer = self->make_response_promise<message_ptr>();
  work w;
  w.decide = [self, call, out](const farm& f) {
    auto& state = self->state;
    *out = decide(f, state.present, state.queue.revisions(), *call, now(self),
                  state.config.overcommit_percent);
    return std::exchange(out->what, {});
  };
  w.finished = answering(answer, [out](std::uint64_t seq) -> result<message_ptr> {
    if (out->refused)
      return *out->refused;
    if (out->is_stale)
      return message_ptr{};
    // Where it was carried out before, its events began elsewhere.
    return message_ptr{std::make_shared<const message>(
      accepted{out->is_repeated ? out->kept.seq : seq, out->kept.versions})};
  });
  enqueue(self, std::move(w));
  return answer;
}

/// Decides as for the order itself, and lets go of what was decided.
caf::result<message_ptr> take_plan(deployminator_pointer self, const order_call_ptr& call,
                                   std::uint64_t offset) {
  auto out = std::make_shared<result<message_ptr>>(message_ptr{});
  auto answer = self->make_response_promise<message_ptr>();
  work w;
  w.decide = [self, call, offset, out](const farm& f) {
    auto& state = self->state;
    auto decided = decide(f, state.present, state.queue.revisions(), *call, now(self),
                          state.config.overcommit_percent);
    const auto* build = std::get_if<build_to_deploy>(&call->what);
    if (decided.refused)
      *out = *decided.refused;
    else if (!decided.is_stale && build)
      *out = message_ptr{
        std::make_shared<const message>(page_of(foresee(f, decided, *build, call->where), offset))};
    return change{};
  };
  w.finished = answering(answer, [out](std::uint64_t) { return *out; });
  enqueue(self, std::move(w));
  return answer;
}

caf::result<upkeep_outcome> take_upkeep(deployminator_pointer self, std::uint64_t group_id,
                                        const plan_ptr& p, const std::string& occasion) {
  auto out = std::make_shared<upkeep_outcome>(upkeep_outcome::stale);
  auto answer = self->make_response_promise<upkeep_outcome>();
  work w;
  w.decide = [self, group_id, p, occasion, out](const farm& f) {
    auto& state = self->state;
    if (is_stale(*p, f, state.present, state.queue.revisions()))
      return change{};
    auto decided = decide_upkeep(f, group_id, *p, occasion, now(self), silence_now(self, f));
    *out = decided.lacking ? upkeep_outcome::lacking : upkeep_outcome::satisfied;
    if (!is_empty(decided.what))
      *out = upkeep_outcome::moving;
    return std::move(decided.what);
  };
  w.finished = answering(answer, [out](std::uint64_t) -> result<upkeep_outcome> { return *out; });
  enqueue(self, std::move(w));
  return answer;
}

void take_step(deployminator_pointer self, std::uint64_t group_id,
               const rollout_decision_ptr& decision) {
  if (!self->state.listeners.rollout_thinks(group_id))
    return;
  work w;
  w.decide = [self, group_id, decision](const farm& f) {
    return carry_out(f, group_id, *decision, now(self), self->state.config.kept_versions);
  };
  w.finished = [self, group_id](const result<std::uint64_t>& outcome) {
    auto& state = self->state;
    // After a failure everybody is told when the farm is loaded.
    if (outcome)
      state.listeners.rollout_has_thought(self, state.queue.farm(), state.present, group_id);
  };
  enqueue(self, std::move(w));
}

// -- machines ------------------------------------------------------------------------------------

caf::result<bool> take_report(deployminator_pointer self, const std::string& name,
                              const report_ptr& news) {
  auto answer = self->make_response_promise<bool>();
  work w;
  w.decide = [self, name, news](const farm& f) { return observe(f, name, *news, now(self)); };
  w.finished = answering(answer, [self, name, full = news->full](std::uint64_t) -> result<bool> {
    if (full)
      machine_was_heard(self, name);
    return true;
  });
  enqueue(self, std::move(w));
  return answer;
}

/// All that should be on a machine, as it is stored.
caf::result<assignment_difference_ptr> take_assignment(deployminator_pointer self,
                                                       const std::string& name) {
  auto answer = self->make_response_promise<assignment_difference_ptr>();
  work w;
  w.finished = answering(answer, [self, name](std::uint64_t) -> result<assignment_difference_ptr> {
    auto all = assignment_since(self->state.queue.farm(), name, 0);
    self->state.listeners.machine_was_told(name, all.head.generation);
    return assignment_difference_ptr{std::make_shared<const assignment_difference>(std::move(all))};
  });
  enqueue(self, std::move(w));
  return answer;
}

// -- leading --------------------------------------------------------------------------------------

void is_sure_since(deployminator_pointer self, caf::actor_clock::time_point asked,
                   timestamp asked_utc) {
  self->state.sure_until = asked + sure_for;
  self->state.last_renewal = asked_utc;
}

/// Where another server has taken over this one ends. It finds that out with its next change as
/// well; it may have none to make.
void renew_lease(deployminator_pointer self) {
  if (std::exchange(self->state.asks_for_lead, true))
    return;
  self->request(self->state.config.registrar, store_timeout, atom::lead_v)
    .then(
      [self, asked = self->clock().now(), asked_utc = self->state.config.utc_now()](bool) {
        self->state.asks_for_lead = false;
        is_sure_since(self, asked, asked_utc);
      },
      [self](const caf::error& e) {
        self->state.asks_for_lead = false;
        if (to_failure(e).code == failure_code::refused)
          self->quit(e);
      });
}

void begin(deployminator_pointer self, deployminator_config config) {
  auto& state = self->state;
  state.config = std::move(config);
  state.queue = change_queue{std::move(*state.config.farm)};
  state.config.farm = nullptr;
  std::set<std::string> known;
  for (const auto& [name, each] : state.queue.farm().machines)
    if (!each.lost)
      known.insert(name);
  state.present = presence{std::move(known)};
  for (const auto& [name, each] : state.queue.farm().machines)
    if (each.lost)
      begin_silence(self, name);
  state.listeners.tell_all_anew(self, state.queue.farm(), state.present);
  self->delayed_send(self, return_grace, atom::tick_v, ++state.last_look);
  self->delayed_send(self, lead_interval, atom::tick_v, atom::lead_v);
  // The lease that came with the epoch is a long one.
  is_sure_since(self, self->clock().now(), state.config.utc_now());
  enqueue(self, {.decide = [self](const farm& f) {
            return first_operator(f, self->state.config.first_operator, now(self));
          }});
}

} // namespace

deployminator_actor::behavior_type
deployminator(deployminator_actor::stateful_pointer<deployminator_state> self,
              deployminator_config config) {
  begin(self, std::move(config));
  // One that fails takes all with it: a new start finds everything in the store.
  self->set_down_handler([self](const caf::down_msg& down) {
    if (down.reason && down.reason != caf::exit_reason::user_shutdown)
      self->quit(down.reason);
  });
  return {
    [self](atom::attach, const upkeep_actor& upkeep) {
      auto& state = self->state;
      state.listeners.set_upkeep(upkeep);
      state.listeners.want_upkeep(self, state.queue.farm(), "the server has started");
    },
    [self](atom::attach, const doorkeeper_actor& doorkeeper) {
      self->state.listeners.set_doorkeeper(self, self->state.queue.farm(), doorkeeper);
    },
    [self](atom::view, const readable_order_ptr& order) { return view_for_order(self, order); },
    [self](atom::order, const order_call_ptr& call) { return take_order(self, call); },
    [self](atom::plan, const order_call_ptr& call, std::uint64_t offset) {
      return take_plan(self, call, offset);
    },
    [self](atom::view, std::uint64_t group_id) { return view_for_upkeep(self, group_id); },
    [self](atom::upkeep, std::uint64_t group_id, const plan_ptr& p, const std::string& occasion) {
      return take_upkeep(self, group_id, p, occasion);
    },
    [self](atom::question, const caller& who, const envelope_ptr& e) {
      return take_question(self, who, e);
    },
    [self](atom::join, const hello_ptr& h, const machine_actor& from) {
      return take_join(self, h, from);
    },
    [self](atom::lost, const std::string& name, const std::string& reason, timestamp heard) {
      take_loss(self, name, reason, heard);
    },
    [self](atom::observe, const std::string& name, const report_ptr& news) {
      return take_report(self, name, news);
    },
    [self](atom::assign, const std::string& name) { return take_assignment(self, name); },
    [self](atom::advance, std::uint64_t group_id, const rollout_decision_ptr& decision) {
      take_step(self, group_id, decision);
    },
    [self](atom::trouble, const std::string& strategy, const std::string& why) {
      note_strategy(self, strategy, why);
    },
    [self](atom::lead) { renew_lease(self); },
    [self](atom::tick, atom::lead) {
      self->delayed_send(self, lead_interval, atom::tick_v, atom::lead_v);
      renew_lease(self);
      try_store(self);
    },
    [self](atom::load) { reload(self); },
    [self](atom::tick, const std::string& name) { look_at_silence(self, name); },
    [self](atom::tick, std::uint64_t look) {
      if (look == self->state.last_look)
        give_up_on_absent_machines(self);
    },
  };
}

} // namespace deployminator::actors
