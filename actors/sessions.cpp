#include "actors/sessions.hpp"

#include "actors/common/errors.hpp"
#include "actors/common/logging.hpp"
#include "actors/machine.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

namespace deployminator::actors {

namespace {

using namespace std::chrono_literals;
using namespace messages;
using sessions_pointer = sessions_actor::stateful_pointer<sessions_state>;

constexpr auto look_interval = 250ms;
constexpr auto order_timeout = 120s;

/// A look that comes so late was held up itself: what peers said meanwhile is still to be read.
constexpr auto late_look = 1s;

void send(sessions_pointer self, const received& to, message body) {
  auto& state = self->state;
  auto envelope = std::make_shared<const messages::envelope>(
    messages::envelope{to.envelope->id, state.config.epoch, std::move(body)});
  self->send(state.config.gateway, atom::dispatch_v, to.socket, to.peer, envelope_ptr{envelope});
  if (auto peer = state.peers.find(to.peer); peer != state.peers.end())
    peer->second.session.sent(self->clock().now());
}

envelope_ptr heartbeat_of(const sessions_state& state) {
  return std::make_shared<const messages::envelope>(
    messages::envelope{0, state.config.epoch, heartbeat{}});
}

// -- hellos ---------------------------------------------------------------------------------------

std::optional<failure> objection_to(const sessions_state& state, const hello& h) {
  if (h.lowest > highest_protocol || h.highest < lowest_protocol)
    return failure{failure_code::version,
                   fmt::format("{} speaks protocol versions {} to {}, this server {} to {}",
                               to_text(h.role), h.lowest, h.highest, lowest_protocol,
                               highest_protocol),
                   "upgrade the older side"};
  if (h.epoch > state.config.epoch)
    return failure{failure_code::refused,
                   fmt::format("a server of epoch {} was seen already, this one has only {}",
                               h.epoch, state.config.epoch),
                   "another server leads, or this one has lost its store"};
  if (h.role == peer_role::agent && (!h.agent || h.agent->name.empty()))
    return failure{failure_code::invalid, "an agent's hello lacks `agent.name`", ""};
  if (h.role == peer_role::agent && h.agent->incarnation.empty())
    return failure{failure_code::invalid, "an agent's hello lacks `agent.incarnation`", ""};
  return std::nullopt;
}

known_machine& machine_named(sessions_pointer self, const std::string& name) {
  auto& state = self->state;
  auto& known = state.machines[name];
  if (!known.actor)
    known.actor = self->spawn<caf::monitored>(
      machine,
      machine_config{name, state.config.gateway, state.config.deployminator, sessions_actor{self},
                     state.config.epoch, state.config.collect, state.config.publish});
  return known;
}

void greet_agent(sessions_pointer self, const received& in, const agent_introduction& agent) {
  auto& state = self->state;
  auto& known = machine_named(self, agent.name);
  if (!known.peer.empty() && known.identity != agent.identity)
    return send(self, in,
                refusal{{failure_code::refused,
                         fmt::format("a machine named {} is connected already", agent.name),
                         "give this agent another --name"}});
  if (known.peer != in.peer)
    state.peers.erase(known.peer);
  known.peer = in.peer;
  known.identity = agent.identity;
  auto now = self->clock().now();
  auto peer = state.peers.insert_or_assign(in.peer, connected_peer{bus::peer_session{now}, &known});
  self->send(known.actor, atom::deliver_v, in);
  // The answer has to wait for others; that the server is there has not.
  self->send(state.config.gateway, atom::dispatch_v, in.socket, in.peer, heartbeat_of(state));
  peer.first->second.session.sent(now);
}

/// The name is free for the agent that it belongs to.
void forget_refused(sessions_pointer self, const std::string& machine_name,
                    const std::string& peer) {
  auto& state = self->state;
  auto known = state.machines.find(machine_name);
  if (known == state.machines.end() || known->second.peer != peer)
    return;
  known->second.peer.clear();
  state.peers.erase(peer);
}

void greet(sessions_pointer self, const received& in, const hello& h) {
  auto& state = self->state;
  if (auto objection = objection_to(state, h)) {
    log::warning("sessions refused hello", {{"reason", objection->message}});
    if (h.epoch > state.config.epoch)
      self->send(state.config.deployminator, atom::lead_v);
    return send(self, in, refusal{*objection});
  }
  if (h.role == peer_role::agent)
    return greet_agent(self, in, *h.agent);
  state.peers.insert_or_assign(in.peer, connected_peer{bus::peer_session{self->clock().now()}});
  send(
    self, in,
    welcome{highest_protocol, DEPLOYMINATOR_VERSION, state.config.publish, state.config.collect});
}

// -- clients --------------------------------------------------------------------------------------

/// Answers a client with what `asked` yields.
template <class Answer, class Request>
void answer_from(sessions_pointer self, const received& in, Request asked) {
  asked.then([self, in](const std::shared_ptr<const Answer>& answer) { send(self, in, *answer); },
             [self, in](const caf::error& e) { send(self, in, refusal{to_failure(e)}); });
}

void serve_client(sessions_pointer self, const received& in) {
  const auto& config = self->state.config;
  const auto& body = in.envelope->body;
  if (auto ordered = narrowed<order>(body))
    return answer_from<message>(
      self, in,
      self->request(config.orders, order_timeout, atom::order_v, in.from,
                    order_ptr{std::make_shared<const order>(std::move(*ordered))}));
  if (const auto* after = std::get_if<events_after>(&body))
    return answer_from<event_page>(
      self, in, self->request(config.publisher, order_timeout, atom::events_v, after->seq));
  if (narrowed<question>(body))
    return answer_from<message>(
      self, in, self->request(config.deployminator, order_timeout, atom::question_v, in.envelope));
  if (std::holds_alternative<heartbeat>(body))
    return;
  auto type = std::visit([](const auto& each) { return each.type; }, body);
  send(
    self, in,
    refusal{{failure_code::invalid, fmt::format("a client does not send messages of type {}", type),
             "see messages/README.md for the protocol"}});
}

// -- everything that comes in ---------------------------------------------------------------------

void take_from_peer(sessions_pointer self, const received& in) {
  auto& state = self->state;
  if (const auto* h = std::get_if<hello>(&in.envelope->body))
    return greet(self, in, *h);
  auto peer = state.peers.find(in.peer);
  if (peer == state.peers.end())
    return send(self, in, unknown_peer{});
  peer->second.session.arrived(self->clock().now());
  if (!peer->second.machine)
    return serve_client(self, in);
  if (!std::holds_alternative<heartbeat>(in.envelope->body))
    self->send(peer->second.machine->actor, atom::deliver_v, in);
}

/// What may be lost is taken from anybody, so nothing else is: no end of a rollout, say.
void take_progress(sessions_pointer self, const progress& news) {
  auto list = std::make_shared<std::vector<event>>();
  std::copy_if(news.list.begin(), news.list.end(), std::back_inserter(*list),
               [](const event& e) { return std::holds_alternative<download_progress>(e.what); });
  if (!list->empty())
    self->send(self->state.config.publisher, atom::collect_v, events_ptr{std::move(list)});
}

void take(sessions_pointer self, const received& in) {
  if (!in.envelope)
    return;
  if (in.peer.empty()) {
    // Progress is published without an address, all else comes from a peer.
    if (const auto* news = std::get_if<progress>(&in.envelope->body))
      take_progress(self, *news);
    return;
  }
  self->state.socket = in.socket;
  take_from_peer(self, in);
}

// -- looking after sessions -----------------------------------------------------------------------

void forget(sessions_pointer self, const connected_peer& lost) {
  if (!lost.machine)
    return;
  lost.machine->peer.clear();
  self->send(lost.machine->actor, atom::lost_v,
             std::string{"nothing was heard of its agent for 4 s"});
}

void look_after_peers(sessions_pointer self) {
  auto& state = self->state;
  auto now = self->clock().now();
  bool is_late = now - std::exchange(state.last_look, now) > look_interval + late_look;
  auto due = std::make_shared<std::vector<std::string>>();
  for (auto each = state.peers.begin(); each != state.peers.end();) {
    if (is_late)
      each->second.session.arrived(now);
    auto step = each->second.session.tick(now);
    if (step.send_heartbeat)
      due->push_back(each->first);
    if (step.lost)
      forget(self, each->second);
    each = step.lost ? state.peers.erase(each) : std::next(each);
  }
  if (!due->empty())
    self->send(state.config.gateway, atom::dispatch_v, state.socket, peers_ptr{std::move(due)},
               heartbeat_of(state));
}

} // namespace

sessions_actor::behavior_type sessions(sessions_actor::stateful_pointer<sessions_state> self,
                                       sessions_config config) {
  self->state.config = std::move(config);
  self->state.last_look = self->clock().now();
  self->delayed_send(self, look_interval, atom::tick_v);
  // One that fails takes all with it: a new start finds everything in the store.
  self->set_down_handler([self](const caf::down_msg& down) {
    if (down.reason && down.reason != caf::exit_reason::user_shutdown)
      self->quit(down.reason);
  });
  return {
    [self](atom::deliver, const received& in) { take(self, in); },
    [self](atom::refused, const std::string& machine_name, const std::string& peer) {
      forget_refused(self, machine_name, peer);
    },
    [self](atom::tick) {
      self->delayed_send(self, look_interval, atom::tick_v);
      look_after_peers(self);
    },
  };
}

} // namespace deployminator::actors
