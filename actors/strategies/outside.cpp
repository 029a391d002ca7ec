#include "actors/strategies/outside.hpp"

#include "actors/common/errors.hpp"
#include "actors/common/logging.hpp"
#include "actors/decisions/outside_placement.hpp"
#include "messages/known_strategies.hpp"
#include "messages/safe_name.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

namespace deployminator::actors {

namespace {

using namespace messages;
using outside_pointer = outside_strategies_actor::stateful_pointer<outside_strategies_state>;

void send(outside_pointer self, bus::socket_id socket, const std::string& peer, message body,
          std::uint64_t id) {
  const auto& config = self->state.config;
  self->send(
    config.gateway, atom::dispatch_v, socket, peer,
    envelope_ptr{std::make_shared<const envelope>(envelope{id, config.epoch, std::move(body)})});
}

// -- what became of a question --------------------------------------------------------------------

void tell(outside_pointer self, const std::string& strategy, const std::string& why) {
  auto& failing = self->state.failing;
  auto known = failing.find(strategy);
  if (known == failing.end() ? why.empty() : known->second == why)
    return;
  if (why.empty())
    failing.erase(known);
  else
    failing[strategy] = why;
  self->send(self->state.config.deployminator, atom::trouble_v, strategy, why);
}

result<placement_ptr> for_planner(result<placement> chosen) {
  if (!chosen)
    return chosen.error();
  return placement_ptr{std::make_shared<const placement>(std::move(*chosen))};
}

/// What comes of the request where its strategy fails. Who orders something new hears of it; what
/// is deployed is everybody's concern.
result<placement_ptr> without_strategy(outside_pointer self, const placement_request& request,
                                       const failure& why) {
  log::warning("strategy failed", {{"strategy", request.app.strategy},
                                   {"application", request.subject},
                                   {"reason", why.message}});
  if (request.last)
    tell(self, request.app.strategy, why.message);
  return for_planner(as_last_time(request, why));
}

void settle(outside_pointer self, std::uint64_t id, const result<placement>& chosen) {
  auto question = self->state.open.extract(id);
  if (!question)
    return;
  auto& [peer, request, promise] = question.mapped();
  if (chosen)
    tell(self, request->app.strategy, "");
  auto out = chosen ? for_planner(chosen) : without_strategy(self, *request, chosen.error());
  if (out)
    promise.deliver(*out);
  else
    promise.deliver(to_error(out.error()));
}

// -- asking ---------------------------------------------------------------------------------------

failure nobody_offers(const outside_strategies_state& state, const std::string& strategy) {
  std::vector<std::string> names = known_strategies();
  for (const auto& [name, offer] : state.offers)
    names.push_back(name);
  return {failure_code::not_found, fmt::format("nobody offers strategy {}", strategy),
          fmt::format("start the process that offers it; there are: {}", fmt::join(names, ", "))};
}

/// Why the strategy cannot be asked now, or nothing.
std::optional<failure> objection_to_asking(outside_pointer self, const std::string& strategy) {
  auto& offers = self->state.offers;
  auto offer = offers.find(strategy);
  if (offer == offers.end())
    return nobody_offers(self->state, strategy);
  const auto& owes = offer->second.owes_since;
  if (owes && self->clock().now() - *owes < owing_wait)
    return failure{failure_code::timeout,
                   fmt::format("strategy {} has not answered an earlier question", strategy),
                   "see to the process that offers it"};
  return std::nullopt;
}

caf::result<placement_ptr> ask(outside_pointer self, const placement_request_ptr& request) {
  auto& state = self->state;
  if (is_complete(*request))
    return std::make_shared<const placement>();
  const auto& strategy = request->app.strategy;
  if (auto objection = objection_to_asking(self, strategy)) {
    auto out = without_strategy(self, *request, *objection);
    if (out)
      return *out;
    return to_error(out.error());
  }
  auto& offer = state.offers.at(strategy);
  offer.owes_since.reset();
  auto id = ++state.last_id;
  auto promise = self->make_response_promise<placement_ptr>();
  state.open[id] = {offer.peer, request, promise};
  send(self, offer.socket, offer.peer, question_for(*request), id);
  self->delayed_send(self, place_deadline, atom::tick_v, id);
  return promise;
}

void end_late(outside_pointer self, std::uint64_t id) {
  auto& state = self->state;
  auto question = state.open.find(id);
  if (question == state.open.end())
    return;
  const auto& strategy = question->second.request->app.strategy;
  if (auto offer = state.offers.find(strategy);
      offer != state.offers.end() && offer->second.peer == question->second.peer)
    offer->second.owes_since = self->clock().now();
  settle(
    self, id,
    failure{failure_code::timeout,
            fmt::format("strategy {} did not answer within {} s", strategy, place_deadline.count()),
            "see to the process that offers it, and what it is told of its messages"});
}

// -- what clients say -----------------------------------------------------------------------------

std::optional<failure> mistake_in(const offer_strategy& offer) {
  bool is_lower = std::ranges::none_of(offer.name, [](char c) { return c >= 'A' && c <= 'Z'; });
  if (!is_safe_name(offer.name) || !is_lower)
    return failure{
      failure_code::invalid,
      fmt::format("\"{:.60}\" is no name for a strategy; expected lower-case letters, "
                  "digits, `.`, `_` and `-`, at most 63, not beginning with `.` or `-`",
                  offer.name),
      "see messages/README.md"};
  if (is_known_strategy(offer.name))
    return failure{failure_code::refused,
                   fmt::format("the server has a strategy {} itself", offer.name),
                   "choose another name"};
  return std::nullopt;
}

/// What was asked of this peer has no answer any more.
void give_up_on(outside_pointer self, const std::string& peer, const std::string& strategy,
                const std::string& why) {
  std::vector<std::uint64_t> lost;
  for (const auto& [id, each] : self->state.open)
    if (each.peer == peer && each.request->app.strategy == strategy)
      lost.push_back(id);
  for (auto id : lost)
    settle(self, id,
           failure{failure_code::unreachable,
                   fmt::format("strategy {} was lost while it was asked: {}", strategy, why),
                   "see to the process that offers it"});
}

void take_offer(outside_pointer self, const received& in) {
  auto& state = self->state;
  const auto& said = std::get<offer_strategy>(in.envelope->body);
  if (auto mistake = mistake_in(said))
    return send(self, in.socket, in.peer, refusal{*mistake}, in.envelope->id);
  log::info("strategy is offered", {{"strategy", said.name}});
  auto before = std::exchange(state.offers[said.name], {in.socket, in.peer, std::nullopt});
  if (!before.peer.empty() && before.peer != in.peer) {
    give_up_on(self, before.peer, said.name, "another process offers it now");
    send(self, before.socket, before.peer,
         refusal{{failure_code::refused,
                  fmt::format("another process offers strategy {} now", said.name), ""}},
         0);
  }
  send(self, in.socket, in.peer, offered{said.name, place_deadline}, in.envelope->id);
  tell(self, said.name, "");
}

/// Too late or not, it does not owe an answer any more.
void take_answer(outside_pointer self, const received& in, const std::string& peer) {
  for (auto& [name, offer] : self->state.offers)
    if (offer.peer == peer)
      offer.owes_since.reset();
  auto question = self->state.open.find(in.envelope->id);
  if (question == self->state.open.end() || question->second.peer != peer)
    return;
  const auto& request = *question->second.request;
  if (const auto* answer = std::get_if<placed>(&in.envelope->body))
    return settle(self, in.envelope->id, checked(request, *answer));
  const auto& no = std::get<refusal>(in.envelope->body).error;
  settle(self, in.envelope->id,
         failure{no.code,
                 fmt::format("strategy {} says: {:.300}", request.app.strategy, no.message),
                 no.hint});
}

void take(outside_pointer self, const received& in) {
  if (std::holds_alternative<offer_strategy>(in.envelope->body))
    take_offer(self, in);
  else
    take_answer(self, in, in.peer);
}

void lose(outside_pointer self, const std::string& peer, const std::string& why) {
  auto& offers = self->state.offers;
  for (auto each = offers.begin(); each != offers.end();) {
    if (each->second.peer != peer) {
      ++each;
      continue;
    }
    auto name = each->first;
    each = offers.erase(each);
    log::warning("strategy is offered no more", {{"strategy", name}, {"reason", why}});
    give_up_on(self, peer, name, why);
  }
}

} // namespace

outside_strategies_actor::behavior_type
outside_strategies(outside_strategies_actor::stateful_pointer<outside_strategies_state> self,
                   outside_strategies_config config) {
  self->state.config = std::move(config);
  return {
    [self](atom::deliver, const received& in) { take(self, in); },
    [self](atom::lost, const std::string& peer, const std::string& why) { lose(self, peer, why); },
    [self](atom::tick, std::uint64_t id) { end_late(self, id); },
    [self](atom::place, const placement_request_ptr& request) { return ask(self, request); },
  };
}

} // namespace deployminator::actors
