#include "actors/sessions.hpp"

#include "actors/common/errors.hpp"
#include "actors/common/logging.hpp"
#include "actors/decisions/access.hpp"
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

/// Of one key, or of one connection where no keys are used; and of all together.
constexpr std::size_t most_open_requests = 64;
constexpr std::size_t most_open_requests_in_all = 2'048;

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
    messages::envelope{0, state.config.epoch, heartbeat{state.config.utc_now(), state.is_calm}});
}

void forget(sessions_pointer self, const std::string& peer, const connected_peer& lost,
            const char* why) {
  if (lost.offers)
    self->send(self->state.config.strategies, atom::lost_v, peer, std::string{why});
  if (!lost.machine)
    return;
  lost.machine->peer.clear();
  self->send(lost.machine->actor, atom::lost_v, std::string{why}, lost.machine->heard);
}

// -- hellos ---------------------------------------------------------------------------------------

/// Epochs of another store mean nothing here.
bool is_of_other_farm(const sessions_state& state, const hello& h) {
  return !h.store.empty() && h.store != state.config.store_id;
}

std::optional<failure> mistake_in(const sessions_state& state, const hello& h) {
  if (h.lowest > highest_protocol || h.highest < lowest_protocol)
    return failure{failure_code::version,
                   fmt::format("{} speaks protocol versions {} to {}, this server {} to {}",
                               to_text(h.role), h.lowest, h.highest, lowest_protocol,
                               highest_protocol),
                   "upgrade the older side"};
  if (is_of_other_farm(state, h))
    return failure{failure_code::refused, "the agent obeys another store, of another farm",
                   "see that its --server is right; to move the machine to this farm, run "
                   "`autodeployer --leave-farm` there"};
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
      machine, machine_config{name, state.config.gateway, state.config.deployminator,
                              sessions_actor{self}, state.config.epoch, state.config.collect,
                              state.config.publish, state.config.store_id, state.rotation.next()});
  return known;
}

/// The hello as the key allows it: a machine may be bound to machine groups.
received as_bound(const received& in, const access_key& key) {
  auto bound = std::make_shared<messages::envelope>(*in.envelope);
  std::get<hello>(bound->body).agent->groups = key.grant.groups;
  auto out = in;
  out.envelope = std::move(bound);
  return out;
}

void greet_agent(sessions_pointer self, const received& in) {
  auto& state = self->state;
  const auto& agent = *std::get<hello>(in.envelope->body).agent;
  auto& known = machine_named(self, agent.name);
  // An agent that could not note its identity so far has none.
  bool is_another = !known.identity.empty() && known.identity != agent.identity;
  if (!known.peer.empty() && is_another)
    return send(self, in,
                refusal{{failure_code::refused,
                         fmt::format("a machine named {} is connected already", agent.name),
                         state.config.asks_for_keys
                           ? "give this machine a name and a key of its own: `deploy key new NAME "
                             "--role agent`"
                           : "give this agent another --name"}});
  if (known.peer != in.peer)
    state.peers.erase(known.peer);
  known.peer = in.peer;
  known.identity = agent.identity;
  known.heard = state.config.utc_now();
  auto now = self->clock().now();
  auto peer
    = state.peers.insert_or_assign(in.peer, connected_peer{bus::peer_session{now}, in.key, &known});
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

/// Where no keys are used, and nobody is anybody in particular, null.
const access_key* key_of(const sessions_state& state, const received& in) {
  return state.config.asks_for_keys ? state.keys.valid(in.key) : nullptr;
}

/// To a client.
welcome welcome_to(const sessions_state& state, const access_key* key) {
  bool is_limited = key && !key->grant.namespaces.empty();
  return {.version = highest_protocol,
          .software = DEPLOYMINATOR_VERSION,
          .publish = is_limited ? "" : state.config.publish,
          .collect = state.config.collect,
          .store = state.config.store_id,
          .next_server_key = state.rotation.next()};
}

void greet(sessions_pointer self, const received& in, const hello& h) {
  auto& state = self->state;
  const auto* key = key_of(state, in);
  auto objection = mistake_in(state, h);
  if (!objection && key)
    objection = impersonation(*key, h);
  if (objection) {
    log::warning("sessions refused hello", {{"reason", objection->message}});
    if (h.epoch > state.config.epoch && !is_of_other_farm(state, h))
      self->send(state.config.deployminator, atom::lead_v);
    return send(self, in, refusal{*objection});
  }
  if (key)
    state.rotation.heard(in.key, h.next_server_key);
  if (h.role == peer_role::agent)
    return greet_agent(self, key && !key->grant.groups.empty() ? as_bound(in, *key) : in);
  if (auto before = state.peers.find(in.peer); before != state.peers.end() && before->second.offers)
    forget(self, before->first, before->second, "its process has begun anew");
  state.peers.insert_or_assign(in.peer,
                               connected_peer{bus::peer_session{self->clock().now()}, in.key});
  send(self, in, welcome_to(state, key));
}

// -- clients --------------------------------------------------------------------------------------

/// Who was connected lately, and what he knows, is in memory alone.
table with_what_was_heard(const sessions_state& state, table rows) {
  for (auto& each : rows.keys)
    for (const auto& [id, key] : state.keys.all()) {
      if (key.grant.name != each.name || key.created_at != each.created_at)
        continue;
      if (auto seen = state.last_seen.find(key.grant.public_key); seen != state.last_seen.end())
        each.last_seen = seen->second;
      if (!each.revoked_at)
        each.knows_next_server_key = state.rotation.is_known_to(key.grant.public_key);
    }
  for (auto& each : rows.machines)
    if (auto known = state.machines.find(each.name); known != state.machines.end())
      each.last_seen = std::max(each.last_seen, known->second.heard);
  return rows;
}

/// Who has the open request.
const std::string& requester(const received& in) {
  return in.key.empty() ? in.peer : in.key;
}

/// Who asks on without waiting is not heard: he asks again.
bool may_open_request(sessions_state& state, const received& in) {
  auto own = state.open_requests.find(requester(in));
  return state.open_requests_in_all < most_open_requests_in_all
         && (own == state.open_requests.end() || own->second < most_open_requests);
}

void close_request(sessions_state& state, const received& in) {
  --state.open_requests_in_all;
  auto own = state.open_requests.find(requester(in));
  if (--own->second == 0)
    state.open_requests.erase(own);
}

/// Answers with what `view` makes of what `asked` yields.
template <class Answer, class Request, class View>
void answer_from(sessions_pointer self, const received& in, Request asked, View view) {
  ++self->state.open_requests_in_all;
  ++self->state.open_requests[requester(in)];
  asked.then(
    [self, in, view](const std::shared_ptr<const Answer>& answer) {
      close_request(self->state, in);
      send(self, in, view(*answer));
    },
    [self, in](const caf::error& e) {
      close_request(self->state, in);
      send(self, in, refusal{to_failure(e)});
    });
}

/// What a client says as a strategy.
bool is_of_strategy(const message& body) {
  return std::holds_alternative<offer_strategy>(body) || std::holds_alternative<placed>(body)
         || std::holds_alternative<refusal>(body);
}

void pass_to_strategies(sessions_pointer self, const received& in, connected_peer& from) {
  from.offers = from.offers || std::holds_alternative<offer_strategy>(in.envelope->body);
  if (from.offers)
    self->send(self->state.config.strategies, atom::deliver_v, in);
}

void serve_client(sessions_pointer self, const received& in, const caller& who) {
  const auto& config = self->state.config;
  const auto& body = in.envelope->body;
  if (std::holds_alternative<heartbeat>(body))
    return;
  if (!may_open_request(self->state, in))
    return;
  if (auto ordered = narrowed<order>(body))
    return answer_from<message>(
      self, in,
      self->request(config.orders, order_timeout, atom::order_v, who,
                    order_ptr{std::make_shared<const order>(std::move(*ordered))}),
      [](const message& answer) { return answer; });
  if (const auto* after = std::get_if<events_after>(&body))
    return answer_from<event_page>(
      self, in, self->request(config.publisher, order_timeout, atom::events_v, after->seq),
      [who](const event_page& page) { return message{visible_part(who, page)}; });
  if (const auto* asked = std::get_if<plan_build>(&body))
    return answer_from<message>(self, in,
                                self->request(config.orders, order_timeout, atom::plan_v, who,
                                              std::make_shared<const plan_build>(*asked)),
                                [](const message& answer) { return answer; });
  if (narrowed<question>(body))
    return answer_from<message>(
      self, in,
      self->request(config.deployminator, order_timeout, atom::question_v, who, in.envelope),
      [self](const message& answer) {
        const auto* rows = std::get_if<table>(&answer);
        bool tells_of_peers = rows && (!rows->keys.empty() || !rows->machines.empty());
        return tells_of_peers ? message{with_what_was_heard(self->state, *rows)} : answer;
      });
  auto type = std::visit([](const auto& each) { return each.type; }, body);
  send(
    self, in,
    refusal{{failure_code::invalid, fmt::format("a client does not send messages of type {}", type),
             "see messages/README.md for the protocol"}});
}

// -- everything that comes in ---------------------------------------------------------------------

void take_from_peer(sessions_pointer self, const received& in, const caller& who) {
  auto& state = self->state;
  if (const auto* h = std::get_if<hello>(&in.envelope->body))
    return greet(self, in, *h);
  auto peer = state.peers.find(in.peer);
  if (peer == state.peers.end())
    return send(self, in, unknown_peer{state.config.utc_now()});
  peer->second.session.arrived(self->clock().now());
  if (const auto* beat = std::get_if<heartbeat>(&in.envelope->body))
    peer->second.session.keeps_calm(beat->calm);
  if (peer->second.machine)
    peer->second.machine->heard = state.config.utc_now();
  if (!peer->second.machine && is_of_strategy(in.envelope->body))
    return pass_to_strategies(self, in, peer->second);
  if (!peer->second.machine)
    return serve_client(self, in, who);
  if (!std::holds_alternative<heartbeat>(in.envelope->body))
    self->send(peer->second.machine->actor, atom::deliver_v, in);
}

/// Nothing but the machine's own downloads: no end of a rollout, say. Without keys anybody's.
void take_progress(sessions_pointer self, const progress& news, const access_key* key) {
  auto list = std::make_shared<std::vector<event>>();
  std::copy_if(news.list.begin(), news.list.end(), std::back_inserter(*list), [&](const event& e) {
    const auto* download = std::get_if<download_progress>(&e.what);
    return download && (!key || download->machine == key->grant.name);
  });
  if (!list->empty())
    self->send(self->state.config.publisher, atom::collect_v, events_ptr{std::move(list)});
}

void take(sessions_pointer self, const received& in) {
  auto& state = self->state;
  const auto* key = key_of(state, in);
  bool is_stranger = state.config.asks_for_keys && !key;
  if (!in.envelope || is_stranger)
    return;
  if (key)
    state.last_seen[in.key] = state.config.utc_now();
  auto who = key ? caller_of(*key) : caller{};
  auto objection = key ? objection_to(who, in.envelope->body) : std::nullopt;
  if (in.peer.empty()) {
    // Progress is published without an address, all else comes from a peer.
    const auto* news = std::get_if<progress>(&in.envelope->body);
    if (news && !objection)
      take_progress(self, *news, key);
    return;
  }
  state.socket = in.socket;
  if (objection) {
    log::warning("sessions refused message", {{"key", who.name}, {"reason", objection->message}});
    return send(self, in, refusal{*objection});
  }
  take_from_peer(self, in, who);
}

// -- keys -----------------------------------------------------------------------------------------

/// Everybody who is connected is to know it as well.
void announce_next_key(sessions_pointer self, const next_server_key_ptr& next) {
  auto& state = self->state;
  state.rotation.announce(next ? std::optional{*next} : std::nullopt, self->clock().now());
  for (const auto& [name, each] : state.machines)
    self->send(each.actor, atom::rotate_v, next);
  if (!next)
    return;
  for (const auto& [peer, each] : state.peers)
    if (const auto* key = state.keys.valid(each.key); key && !each.machine)
      self->send(state.config.gateway, atom::dispatch_v, state.socket, peer,
                 envelope_ptr{std::make_shared<const messages::envelope>(
                   messages::envelope{0, state.config.epoch, welcome_to(state, key)})});
}

/// What an operator should see to before the next key takes over.
void report_rotation(sessions_pointer self) {
  constexpr std::size_t most_names = 50;
  auto& state = self->state;
  auto machines = state.rotation.news(state.keys, self->clock().now());
  if (!machines)
    return;
  if (machines->empty())
    return log::info("sessions told every machine the next server key");
  auto count = machines->size();
  machines->resize(std::min(count, most_names));
  auto more = count > most_names ? fmt::format(" and {} more", count - most_names) : "";
  log::warning("sessions misses machines that do not know the next server key",
               {{"count", count},
                {"machines", fmt::format("{}{}", fmt::join(*machines, ", "), more)},
                {"from", to_text(state.rotation.next()->from)}});
}

// -- looking after sessions -----------------------------------------------------------------------

/// Who is connected with a key that is no good any more is so no more.
void take_keys(sessions_pointer self, const keys_ptr& all) {
  auto& state = self->state;
  if (!state.config.asks_for_keys)
    return;
  state.keys = keyring{*all};
  self->send(state.config.gateway, atom::trust_v, trusted(state.keys));
  std::erase_if(state.peers, [&](const auto& each) {
    bool is_cut_off = !state.keys.valid(each.second.key);
    if (is_cut_off)
      forget(self, each.first, each.second, "its key was revoked");
    return is_cut_off;
  });
}

/// Not back and forth where peers come and go.
bool are_many(const sessions_state& state) {
  auto enough = state.config.calm_from;
  return state.peers.size() >= (state.is_calm ? enough - enough / 4 : enough);
}

void look_after_peers(sessions_pointer self) {
  auto& state = self->state;
  if (are_many(state) != state.is_calm) {
    state.is_calm = !state.is_calm;
    log::info(state.is_calm ? "sessions asks for the calm pace"
                            : "sessions asks for the usual pace",
              {{"peers", state.peers.size()}});
  }
  auto now = self->clock().now();
  bool is_late = now - std::exchange(state.last_look, now) > look_interval + late_look;
  auto due = std::make_shared<std::vector<std::string>>();
  for (auto each = state.peers.begin(); each != state.peers.end();) {
    if (is_late)
      each->second.session.arrived(now);
    each->second.session.want_calm(state.is_calm);
    auto step = each->second.session.tick(now);
    if (step.send_heartbeat)
      due->push_back(each->first);
    if (step.lost)
      forget(self, each->first, each->second,
             each->second.machine ? "nothing was heard of its agent for 4 s"
                                  : "nothing was heard of it for 4 s");
    each = step.lost ? state.peers.erase(each) : std::next(each);
  }
  if (!due->empty())
    self->send(state.config.gateway, atom::dispatch_v, state.socket, peers_ptr{std::move(due)},
               heartbeat_of(state));
}

} // namespace

trusted_keys_ptr trusted(const keyring& keys) {
  auto out = std::make_shared<bus::trusted_keys>();
  for (const auto& [id, each] : keys.all())
    (*out)[each.grant.public_key]
      = {.watches = each.grant.role != key_role::agent && each.grant.namespaces.empty(),
         .is_agent = each.grant.role == key_role::agent,
         .is_revoked = each.revoked_at != timestamp{}};
  return out;
}

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
    [self](atom::deliver, received& in) {
      // Not to be kept by what waits for an answer: that may wait for something not read yet.
      auto ticket = std::exchange(in.ticket, {});
      take(self, in);
    },
    [self](atom::refused, const std::string& machine_name, const std::string& peer) {
      forget_refused(self, machine_name, peer);
    },
    [self](atom::trust, const keys_ptr& all) { take_keys(self, all); },
    [self](atom::tick) {
      self->delayed_send(self, look_interval, atom::tick_v);
      look_after_peers(self);
      report_rotation(self);
    },
    [self](atom::rotate, const next_server_key_ptr& next) { announce_next_key(self, next); },
  };
}

} // namespace deployminator::actors
