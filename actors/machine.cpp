#include "actors/machine.hpp"

#include "actors/common/errors.hpp"
#include "actors/common/logging.hpp"

#include <fmt/format.h>

#include <utility>

namespace deployminator::actors {

namespace {

using namespace std::chrono_literals;
using namespace messages;
using machine_pointer = machine_actor::stateful_pointer<machine_actor_state>;

/// An assignment that is not confirmed for so long is sent again.
constexpr auto assignment_timeout = 2s;

/// How long a question waits for the agent's answer.
constexpr auto question_timeout = 10s;

/// How long the DEPLOYMINATOR may take.
constexpr auto decision_timeout = 60s;

void send(machine_pointer self, message body, std::uint64_t id = 0) {
  auto& state = self->state;
  auto envelope = std::make_shared<const messages::envelope>(
    messages::envelope{id, state.config.epoch, std::move(body)});
  self->send(state.config.gateway, atom::dispatch_v, state.socket, state.peer,
             envelope_ptr{envelope});
}

const agent_introduction& introduction_of(const machine_actor_state& state) {
  return *std::get<hello>(state.hello->body).agent;
}

// -- the assignment -------------------------------------------------------------------------------

void send_next(machine_pointer self) {
  auto& state = self->state;
  if (!state.session || state.in_flight || !state.next)
    return;
  auto difference = std::move(*std::exchange(state.next, std::nullopt));
  state.in_flight = difference.head;
  for (auto& each : messages_for(difference))
    send(self, std::move(each));
  self->delayed_send(self, assignment_timeout, atom::tick_v, atom::assign_v,
                     difference.head.generation);
}

/// What the agent holds is not certain: begin from nothing.
void ask_for_all(machine_pointer self) {
  auto& state = self->state;
  state.in_flight.reset();
  state.next.reset();
  if (std::exchange(state.asks_for_all, state.join) == state.join)
    return;
  auto is_answer = [self, join = state.join] {
    bool is_awaited = self->state.asks_for_all == join;
    if (is_awaited)
      self->state.asks_for_all = 0;
    return is_awaited;
  };
  self->request(state.config.deployminator, decision_timeout, atom::assign_v, state.config.name)
    .then(
      [self, is_answer](const assignment_difference_ptr& all) {
        if (!is_answer())
          return;
        self->state.next = *all;
        send_next(self);
      },
      [self, is_answer](const caf::error& e) {
        if (!is_answer())
          return;
        log::warning("machine was not told its assignment",
                     {{"machine", self->state.config.name}, {"reason", to_failure(e).message}});
        self->delayed_send(self, assignment_timeout, atom::tick_v, atom::assign_v,
                           std::uint64_t{0});
      });
}

void take_assignment(machine_pointer self, const assignment_difference& difference) {
  auto& state = self->state;
  // What is asked for has it already.
  if (!state.session || state.asks_for_all != 0)
    return;
  auto base = state.in_flight ? state.in_flight->generation : state.confirmed;
  if (state.next)
    state.next = joined(std::move(*state.next), difference);
  else if (difference.base == base)
    state.next = difference;
  else
    return ask_for_all(self);
  send_next(self);
}

void confirm(machine_pointer self, const assigned& a) {
  auto& state = self->state;
  bool is_answer = state.in_flight && a.generation == state.in_flight->generation
                   && a.digest == state.in_flight->digest;
  if (!is_answer)
    return;
  state.confirmed = a.generation;
  state.in_flight.reset();
  send_next(self);
}

/// It was lost, or the agent holds something else than believed.
void look_after_assignment(machine_pointer self, std::uint64_t generation) {
  auto& state = self->state;
  bool is_late = generation == 0 || (state.in_flight && state.in_flight->generation == generation);
  if (state.session && is_late)
    ask_for_all(self);
}

// -- the session ----------------------------------------------------------------------------------

void end_session(machine_pointer self) {
  auto& state = self->state;
  state.session.reset();
  state.confirmed = 0;
  state.in_flight.reset();
  state.next.reset();
  state.asks_for_all = 0;
  for (auto& [id, promise] : std::exchange(state.questions, {}))
    promise.deliver(to_error({failure_code::unreachable,
                              fmt::format("machine {} went out of reach", state.config.name), ""}));
}

/// The agent is known to the farm: the session begins.
void open_session(machine_pointer self, const briefing& b) {
  auto& state = self->state;
  const auto& agent = introduction_of(state);
  if (agent.incarnation != state.incarnation)
    state.revision = 0;
  state.incarnation = agent.incarnation;
  log::info("machine welcomes agent",
            {{"machine", state.config.name}, {"generation", b.assignment.generation}});
  state.session = welcome{highest_protocol,
                          DEPLOYMINATOR_VERSION,
                          state.config.publish,
                          state.config.collect,
                          agent.observation_digest != b.observation_digest || b.has_troubles,
                          state.config.store_id,
                          state.config.next_server_key};
  send(self, *state.session, state.hello->id);
  if (assignment_head{agent.generation, agent.assignment_digest} == b.assignment)
    state.confirmed = agent.generation;
  else
    ask_for_all(self);
}

/// The welcome that comes again begins nothing anew.
void tell_next_key(machine_pointer self, const next_server_key_ptr& next) {
  auto& state = self->state;
  state.config.next_server_key = next ? std::optional{*next} : std::nullopt;
  if (!state.session)
    return;
  state.session->next_server_key = state.config.next_server_key;
  if (next)
    send(self, *state.session);
}

void lose(machine_pointer self, const std::string& why, timestamp heard) {
  auto& state = self->state;
  end_session(self);
  state.hello = nullptr;
  state.joining.clear();
  state.has_joined = false;
  log::warning("machine lost agent", {{"machine", state.config.name}, {"reason", why}});
  self->send(state.config.deployminator, atom::lost_v, state.config.name, why, heard);
}

/// Whether this is the answer to the newest question, and the agent is still there.
bool is_joined(machine_pointer self, std::uint64_t join) {
  auto& state = self->state;
  if (state.join != join || state.joining.empty())
    return false;
  state.joining.clear();
  return true;
}

/// The machine of this name may be another one, which is still to come.
void refused_by_farm(machine_pointer self, const failure& why) {
  auto& state = self->state;
  send(self, refusal{why}, state.hello->id);
  self->send(state.config.sessions, atom::refused_v, state.config.name, state.peer);
  if (state.has_joined)
    return lose(self, "its agent's hello was refused: " + why.message, {});
  log::warning("machine refused agent", {{"machine", state.config.name}, {"reason", why.message}});
  state.hello = nullptr;
}

void greet(machine_pointer self, const received& in) {
  auto& state = self->state;
  const auto& said = std::get<hello>(in.envelope->body);
  const auto& incarnation = said.agent->incarnation;
  bool is_repeated = state.session && in.peer == state.peer && incarnation == state.incarnation;
  if (is_repeated)
    return send(self, *state.session, in.envelope->id);
  // It is there, so its silence on the old connection is no loss.
  end_session(self);
  state.hello = in.envelope;
  state.socket = in.socket;
  state.peer = in.peer;
  if (state.joining == incarnation)
    return;
  state.joining = incarnation;
  auto join = ++state.join;
  self
    ->request(state.config.deployminator, decision_timeout, atom::join_v,
              hello_ptr{in.envelope, &said}, machine_actor{self})
    .then(
      [self, join](const briefing_ptr& b) {
        self->state.has_joined |= self->state.hello != nullptr;
        if (is_joined(self, join))
          open_session(self, *b);
      },
      [self, join](const caf::error& e) {
        if (is_joined(self, join))
          refused_by_farm(self, to_failure(e));
      });
}

// -- what the agent says --------------------------------------------------------------------------

void take_report(machine_pointer self, const envelope_ptr& envelope) {
  auto& state = self->state;
  const auto& news = std::get<report>(envelope->body);
  if (news.revision <= state.revision)
    return;
  state.revision = news.revision;
  self
    ->request(state.config.deployminator, decision_timeout, atom::observe_v, state.config.name,
              report_ptr{envelope, &news})
    .then([self, revision = news.revision](bool) { send(self, reported{revision}); },
          [self](const caf::error& e) {
            // The agent reports again until it is confirmed.
            log::warning("machine could not store report",
                         {{"machine", self->state.config.name}, {"reason", to_failure(e).message}});
          });
}

void answer_question(machine_pointer self, std::uint64_t id, const message& answer) {
  auto& questions = self->state.questions;
  auto found = questions.find(id);
  if (found == questions.end())
    return;
  if (const auto* no = std::get_if<refusal>(&answer))
    found->second.deliver(to_error(no->error));
  else
    found->second.deliver(message_ptr{std::make_shared<const message>(answer)});
  questions.erase(found);
}

void take(machine_pointer self, const received& in) {
  auto& state = self->state;
  const auto& body = in.envelope->body;
  if (std::holds_alternative<hello>(body))
    return greet(self, in);
  if (!state.session || in.peer != state.peer || in.socket != state.socket)
    return;
  if (const auto* a = std::get_if<assigned>(&body))
    confirm(self, *a);
  else if (std::holds_alternative<report>(body))
    take_report(self, in.envelope);
  else if (in.envelope->id != 0)
    answer_question(self, in.envelope->id, body);
}

caf::result<message_ptr> pass_on(machine_pointer self, const envelope_ptr& question) {
  auto& state = self->state;
  if (!state.session)
    return to_error({failure_code::unreachable,
                     fmt::format("machine {} is out of reach", state.config.name),
                     "see `deploy machines`"});
  auto id = ++state.last_id;
  auto promise = self->make_response_promise<message_ptr>();
  state.questions[id] = promise;
  send(self, question->body, id);
  self->delayed_send(self, question_timeout, atom::tick_v, atom::question_v, id);
  return promise;
}

} // namespace

machine_actor::behavior_type machine(machine_actor::stateful_pointer<machine_actor_state> self,
                                     machine_config config) {
  self->monitor(config.deployminator);
  self->set_down_handler([self](const caf::down_msg&) { self->quit(); });
  self->state.config = std::move(config);
  return {
    [self](atom::deliver, const received& in) { take(self, in); },
    [self](atom::lost, const std::string& why, timestamp heard) { lose(self, why, heard); },
    [self](atom::rotate, const next_server_key_ptr& next) { tell_next_key(self, next); },
    [self](atom::assign, const assignment_difference_ptr& difference) {
      take_assignment(self, *difference);
    },
    [self](atom::question, const envelope_ptr& question) { return pass_on(self, question); },
    [self](atom::tick, atom::assign, std::uint64_t generation) {
      look_after_assignment(self, generation);
    },
    [self](atom::tick, atom::question, std::uint64_t id) {
      answer_question(
        self, id,
        refusal{{failure_code::timeout,
                 fmt::format("the agent of {} did not answer within 10 s", self->state.config.name),
                 "try again"}});
    },
  };
}

} // namespace deployminator::actors
