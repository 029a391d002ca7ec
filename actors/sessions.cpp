#include "actors/sessions.hpp"

#include "actors/common/errors.hpp"
#include "actors/common/logging.hpp"
#include "actors/machine.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace deployminator::actors {

namespace {

using namespace std::chrono_literals;
using namespace messages;
using sessions_pointer = sessions_actor::stateful_pointer<sessions_state>;

constexpr auto sessions_look_interval = 500ms;
constexpr auto order_patience = 60s;

void send(sessions_pointer self, const received& to, message body) {
  auto& state = self->state;
  auto envelope = std::make_shared<const messages::envelope>(
    messages::envelope{to.envelope->id, state.config.epoch, std::move(body)});
  self->send(state.config.gateway, atom::dispatch_v, to.socket, to.peer, envelope_ptr{envelope});
  if (auto client = state.clients.find(to.peer); client != state.clients.end())
    client->second.sent(self->clock().now());
}

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
                   "another server reigns, or this one has lost its store"};
  if (h.role == peer_role::agent && (!h.agent || h.agent->name.empty()))
    return failure{failure_code::invalid, "an agent's hello lacks its name", ""};
  return std::nullopt;
}

void greet_agent(sessions_pointer self, const received& in, const hello& h) {
  auto& state = self->state;
  auto& machine_of_name = state.machines[h.agent->name];
  if (!machine_of_name)
    machine_of_name = self->spawn<caf::monitored>(
      machine, machine_config{h.agent->name, state.config.gateway, state.config.deployminator,
                              state.config.epoch, state.config.collect, state.config.publish});
  state.agents.insert_or_assign(
    in.peer, agent_peer{machine_of_name, bus::peer_session{self->clock().now()}});
  self->send(machine_of_name, atom::deliver_v, in);
}

void greet(sessions_pointer self, const received& in, const hello& h) {
  auto& state = self->state;
  if (auto objection = objection_to(state, h)) {
    log::warning("sessions refused hello", {{"reason", objection->message}});
    if (h.epoch > state.config.epoch)
      self->send(state.config.deployminator, atom::reign_v);
    return send(self, in, refusal{*objection});
  }
  if (h.role == peer_role::agent)
    return greet_agent(self, in, h);
  state.clients.insert_or_assign(in.peer, bus::peer_session{self->clock().now()});
  send(
    self, in,
    welcome{highest_protocol, DEPLOYMINATOR_VERSION, state.config.publish, state.config.collect});
}

/// Answers a client with what `asked` yields.
template <class Request>
void answer_from(sessions_pointer self, const received& in, Request asked) {
  asked.then([self, in](const message_ptr& answer) { send(self, in, *answer); },
             [self, in](const caf::error& e) { send(self, in, refusal{to_failure(e)}); });
}

void answer_events(sessions_pointer self, const received& in, std::uint64_t seq) {
  self->request(self->state.config.publisher, order_patience, atom::ask_v, seq)
    .then([self, in](const event_page_ptr& page) { send(self, in, *page); },
          [self, in](const caf::error& e) { send(self, in, refusal{to_failure(e)}); });
}

void serve_client(sessions_pointer self, const received& in) {
  const auto& to = self->state.config.deployminator;
  std::visit(
    [&](const auto& body) {
      using type = std::decay_t<decltype(body)>;
      constexpr bool is_order
        = std::is_same_v<
            type,
            submit_build> || std::is_same_v<type, roll_to_version> || std::is_same_v<type, undeploy>;
      constexpr bool is_question = std::is_same_v<type, query> || std::is_same_v<type, read_log>;
      if constexpr (is_order)
        answer_from(self, in, self->request(to, order_patience, atom::order_v, in.envelope));
      else if constexpr (is_question)
        answer_from(self, in, self->request(to, order_patience, atom::ask_v, in.envelope));
      else if constexpr (std::is_same_v<type, events_after>)
        answer_events(self, in, body.seq);
      else if constexpr (!std::is_same_v<type, heartbeat>)
        send(self, in,
             refusal{{failure_code::invalid,
                      fmt::format("a client does not send messages of type {}", type::type),
                      "see messages/README.md for the protocol"}});
    },
    in.envelope->body);
}

void take_order_socket(sessions_pointer self, const received& in) {
  auto& state = self->state;
  if (const auto* h = std::get_if<hello>(&in.envelope->body))
    return greet(self, in, *h);
  if (auto client = state.clients.find(in.peer); client != state.clients.end()) {
    client->second.arrived(self->clock().now());
    return serve_client(self, in);
  }
  if (auto agent = state.agents.find(in.peer); agent != state.agents.end()) {
    agent->second.session.arrived(self->clock().now());
    return self->send(agent->second.machine, atom::deliver_v, in);
  }
  send(self, in, unknown_peer{});
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
  // Progress is published without an address, all else comes from a peer.
  if (!in.peer.empty())
    return take_order_socket(self, in);
  if (const auto* news = std::get_if<progress>(&in.envelope->body))
    take_progress(self, *news);
}

void look_after_peers(sessions_pointer self) {
  auto& state = self->state;
  auto now = self->clock().now();
  for (auto each = state.clients.begin(); each != state.clients.end();) {
    auto step = each->second.tick(now);
    if (step.send_heartbeat) {
      auto beat = std::make_shared<const messages::envelope>(
        messages::envelope{0, state.config.epoch, heartbeat{}});
      self->send(state.config.gateway, atom::dispatch_v, state.orders, each->first,
                 envelope_ptr{beat});
    }
    each = step.lost ? state.clients.erase(each) : std::next(each);
  }
  for (auto each = state.agents.begin(); each != state.agents.end();)
    each = each->second.session.tick(now).lost ? state.agents.erase(each) : std::next(each);
}

} // namespace

sessions_actor::behavior_type sessions(sessions_actor::stateful_pointer<sessions_state> self,
                                       sessions_config config) {
  self->state.config = std::move(config);
  self->delayed_send(self, sessions_look_interval, atom::tick_v);
  // One that fails takes all with it: a new start finds everything in the store.
  self->set_down_handler([self](const caf::down_msg& down) {
    if (down.reason && down.reason != caf::exit_reason::user_shutdown)
      self->quit(down.reason);
  });
  return {
    [self](atom::deliver, const received& in) {
      if (!in.peer.empty())
        self->state.orders = in.socket;
      take(self, in);
    },
    [self](atom::tick) {
      self->delayed_send(self, sessions_look_interval, atom::tick_v);
      look_after_peers(self);
    },
  };
}

} // namespace deployminator::actors
