#include "actors/machine.hpp"

#include "actors/common/errors.hpp"
#include "actors/common/logging.hpp"
#include "messages/codec.hpp"

#include <fmt/format.h>

namespace deployminator::actors {

namespace {

using namespace std::chrono_literals;
using namespace messages;
using machine_pointer = machine_actor::stateful_pointer<machine_actor_state>;

constexpr auto machine_look_interval = 250ms;

/// An assignment that is not confirmed for so long is sent again.
constexpr auto assignment_patience = 2s;

/// How long a question waits for the agent's answer.
constexpr auto question_patience = 10s;

void send_to(machine_pointer self, bus::socket_id socket, std::string peer, message body,
             std::uint64_t id = 0) {
  auto& state = self->state;
  auto envelope = std::make_shared<const messages::envelope>(
    messages::envelope{id, state.config.epoch, std::move(body)});
  self->send(state.config.gateway, atom::dispatch_v, socket, std::move(peer),
             envelope_ptr{envelope});
}

void send(machine_pointer self, message body, std::uint64_t id = 0) {
  auto& state = self->state;
  if (!state.session)
    return;
  send_to(self, state.socket, state.peer, std::move(body), id);
  state.session->sent(self->clock().now());
}

/// Sends the difference to what is confirmed; one at a time, so that its base is certain.
void send_assignment(machine_pointer self) {
  auto& state = self->state;
  bool nothing_to_send = !state.session || state.in_flight || !state.target
                         || (state.confirmed && *state.confirmed == *state.target);
  if (nothing_to_send)
    return;
  state.in_flight = state.target;
  state.sent_at = self->clock().now();
  auto base = state.confirmed ? *state.confirmed : machine_assignment{};
  for (auto& each : messages_for(base, *state.target))
    send(self, std::move(each));
}

void end_session(machine_pointer self) {
  auto& state = self->state;
  state.session.reset();
  state.confirmed = nullptr;
  state.in_flight = nullptr;
  for (auto& [id, promise] : std::exchange(state.questions, {}))
    promise.deliver(to_error({failure_code::unreachable,
                              fmt::format("machine {} went out of reach", state.config.name), ""}));
}

void lose(machine_pointer self, const std::string& why) {
  auto& state = self->state;
  end_session(self);
  log::warning("machine lost agent", {{"machine", state.config.name}, {"reason", why}});
  self->send(state.config.deployminator, atom::lost_v, state.config.name, why);
}

/// The agent is known to the farm: the session begins.
void open_session(machine_pointer self, const received& in, const agent_introduction& agent,
                  const briefing& b) {
  auto& state = self->state;
  state.socket = in.socket;
  state.peer = in.peer;
  if (agent.incarnation != state.incarnation)
    state.revision = 0;
  state.identity = agent.identity;
  state.incarnation = agent.incarnation;
  state.session.emplace(self->clock().now());
  state.target = std::make_shared<const machine_assignment>(b.assignment);
  bool holds_it = agent.generation == b.assignment.generation
                  && agent.assignment_digest == digest_of(specs_of(b.assignment));
  state.confirmed = holds_it ? state.target : nullptr;
  state.in_flight = nullptr;
  log::info("machine welcomes agent", {{"machine", state.config.name},
                                       {"generation", b.assignment.generation},
                                       {"instances", b.assignment.specs.size()}});
  send(self, welcome{highest_protocol, DEPLOYMINATOR_VERSION, state.config.publish,
                     state.config.collect, agent.observation_digest != b.observation_digest});
  send_assignment(self);
}

void greet(machine_pointer self, const received& in, const hello& h) {
  auto& state = self->state;
  const auto& agent = *h.agent;
  if (state.session && agent.identity != state.identity) {
    send_to(self, in.socket, in.peer,
            refusal{{failure_code::refused,
                     fmt::format("a machine named {} is connected already", agent.name),
                     "give this agent another --name"}},
            in.envelope->id);
    return;
  }
  // It is there, so its silence on the old connection is no loss.
  end_session(self);
  ++state.joining;
  self
    ->request(state.config.deployminator, 30s, atom::join_v,
              hello_ptr{std::make_shared<const hello>(h)}, machine_actor{self})
    .then(
      [self, in, agent](const briefing_ptr& b) {
        --self->state.joining;
        open_session(self, in, agent, *b);
      },
      [self, in](const caf::error& e) {
        send_to(self, in.socket, in.peer, refusal{to_failure(e)}, in.envelope->id);
        if (--self->state.joining == 0 && !self->state.session)
          lose(self, "its agent's hello was refused: " + to_failure(e).message);
      });
}

void confirm(machine_pointer self, const assigned& a) {
  auto& state = self->state;
  bool is_answer = state.in_flight && a.generation == state.in_flight->generation
                   && a.digest == digest_of(specs_of(*state.in_flight));
  if (!is_answer)
    return;
  state.confirmed = std::exchange(state.in_flight, nullptr);
  send_assignment(self);
}

void take_report(machine_pointer self, const report& news) {
  auto& state = self->state;
  auto revision = news.revision;
  if (revision <= state.revision)
    return;
  state.revision = revision;
  self
    ->request(state.config.deployminator, 30s, atom::observe_v, state.config.name,
              report_ptr{std::make_shared<const report>(news)})
    .then([self, revision](bool) { send(self, reported{revision}); },
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
  if (const auto* h = std::get_if<hello>(&body))
    return greet(self, in, *h);
  if (!state.session || in.peer != state.peer || in.socket != state.socket)
    return send_to(self, in.socket, in.peer, unknown_peer{});
  state.session->arrived(self->clock().now());
  if (const auto* a = std::get_if<assigned>(&body))
    confirm(self, *a);
  else if (const auto* news = std::get_if<report>(&body))
    take_report(self, *news);
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
  auto promise = self->make_response_promise();
  state.questions[id] = promise;
  send(self, question->body, id);
  self->delayed_send(self, question_patience, atom::tick_v, id);
  return promise;
}

void look_after_session(machine_pointer self) {
  auto& state = self->state;
  if (!state.session)
    return;
  auto now = self->clock().now();
  auto step = state.session->tick(now);
  if (step.lost)
    return lose(self, "nothing was heard of its agent for 4 s");
  if (step.send_heartbeat)
    send(self, heartbeat{});
  if (state.in_flight && now - state.sent_at >= assignment_patience) {
    // It was lost, or the agent holds something else than believed: begin from nothing.
    state.in_flight = nullptr;
    state.confirmed = nullptr;
    send_assignment(self);
  }
}

} // namespace

machine_actor::behavior_type machine(machine_actor::stateful_pointer<machine_actor_state> self,
                                     machine_config config) {
  self->monitor(config.deployminator);
  self->set_down_handler([self](const caf::down_msg&) { self->quit(); });
  self->state.config = std::move(config);
  self->delayed_send(self, machine_look_interval, atom::tick_v);
  return {
    [self](atom::deliver, const received& in) { take(self, in); },
    [self](atom::assign, const machine_assignment_ptr& target) {
      const auto& known = self->state.target;
      if (known && target->generation < known->generation)
        return;
      self->state.target = target;
      send_assignment(self);
    },
    [self](atom::ask, const envelope_ptr& question) { return pass_on(self, question); },
    [self](atom::tick) {
      self->delayed_send(self, machine_look_interval, atom::tick_v);
      look_after_session(self);
    },
    [self](atom::tick, std::uint64_t question) {
      answer_question(
        self, question,
        refusal{{failure_code::timeout,
                 fmt::format("the agent of {} did not answer within 10 s", self->state.config.name),
                 "try again"}});
    },
  };
}

} // namespace deployminator::actors
