#include "actors/decisions/access.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <type_traits>
#include <utility>

namespace deployminator::actors {

using namespace messages;

namespace {

/// One bit for each `key_role`.
using roles = unsigned;

constexpr roles only(key_role role) {
  return 1U << static_cast<unsigned>(role);
}

constexpr roles nobody = 0;
constexpr roles operators = only(key_role::operator_);
constexpr roles builders = operators | only(key_role::builder);
constexpr roles readers = builders | only(key_role::viewer);
constexpr roles agents = only(key_role::agent);
constexpr roles everybody = readers | agents;

struct rule {
  std::string_view message;
  roles may_send;
};

constexpr rule access_table[] = {
  {hello::type, everybody},
  {heartbeat::type, everybody},

  {submit_build::type, builders},
  {roll_to_version::type, builders},
  {undeploy::type, operators},
  {stop_group::type, operators},
  {start_group::type, operators},
  {restart_group::type, operators},
  {add_key::type, operators},
  {revoke_key::type, operators},
  {promote_rollout::type, builders},
  {abort_rollout::type, builders},
  {pause_rollout::type, operators},
  {resume_rollout::type, operators},
  {drain_machine::type, operators},
  {undrain_machine::type, operators},
  {forget_machine::type, operators},
  {redistribute_farm::type, operators},

  {query::type, readers},
  {events_after::type, readers},
  {read_log::type, readers},
  {find_logs::type, readers},
  {measure::type, readers},
  {plan_build::type, builders},

  // Of a strategy in a process of its own.
  {offer_strategy::type, operators},
  {placed::type, operators},

  {assigned::type, agents},
  {report::type, agents},
  {progress::type, agents},
  // Its answers to `read_log`, `find_logs` and `measure`.
  {log_chunk::type, agents},
  {found_logs::type, agents},
  {measured::type, agents},
  // And a strategy's to `place`.
  {refusal::type, agents | operators},

  // What the server says.
  {welcome::type, nobody},
  {unknown_peer::type, nobody},
  {accepted::type, nobody},
  {table::type, nobody},
  {event_page::type, nobody},
  {build_plan::type, nobody},
  {assignment::type, nobody},
  {reported::type, nobody},
  {events::type, nobody},
  {last_event::type, nobody},
  {offered::type, nobody},
  {place::type, nobody},
};

template <class Message>
constexpr std::size_t rules_for() {
  return static_cast<std::size_t>(std::ranges::count(access_table, Message::type, &rule::message));
}

template <class... M>
constexpr bool each_has_one(const std::variant<M...>*) {
  return ((rules_for<M>() == 1) && ...) && std::size(access_table) == sizeof...(M);
}

static_assert(each_has_one(static_cast<const message*>(nullptr)),
              "each message has one row in the table of who may send it");

std::vector<std::string_view> names_of(roles some) {
  std::vector<std::string_view> out;
  for (std::size_t i = 0; i < enum_text<key_role>::names.size(); ++i)
    if (some & only(static_cast<key_role>(i)))
      out.push_back(enum_text<key_role>::names[i]);
  return out;
}

failure forbidden(const caller& who, std::string_view what, roles may) {
  if (may == nobody)
    return {failure_code::forbidden, fmt::format("nobody sends {} to a server", what),
            "see messages/README.md for the protocol"};
  return {failure_code::forbidden,
          fmt::format("key {} has the role {}; {} takes {}", who.name, to_text(who.role), what,
                      fmt::join(names_of(may), " or ")),
          "ask an operator for another key: `deploy key new`"};
}

failure outside(const caller& who, std::string_view namespace_) {
  return {failure_code::forbidden,
          fmt::format("key {} is good for {}, not for namespace {}", who.name,
                      fmt::join(who.namespaces, ", "), namespace_),
          "ask an operator for another key: `deploy key new`"};
}

std::optional<failure> objection_in(const caller& who, std::string_view namespace_) {
  return may_see(who, namespace_) ? std::nullopt : std::optional{outside(who, namespace_)};
}

} // namespace

bool may_see(const caller& who, std::string_view namespace_) {
  return namespace_.empty() || who.namespaces.empty()
         || std::ranges::find(who.namespaces, namespace_) != who.namespaces.end();
}

bool may_see(const caller& who, const kept_log& log) {
  return who.namespaces.empty() || (!log.namespace_.empty() && may_see(who, log.namespace_));
}

std::optional<failure> impersonation(const access_key& key, const hello& h) {
  bool is_agent = key.grant.role == key_role::agent;
  if (h.role == peer_role::agent && !is_agent)
    return failure{failure_code::forbidden,
                   fmt::format("key {} has the role {}; an agent takes agent", key.grant.name,
                               to_text(key.grant.role)),
                   "make one for the machine: `deploy key new MACHINE --role agent`"};
  if (h.role == peer_role::client && is_agent)
    return failure{failure_code::forbidden,
                   fmt::format("key {} has the role agent; a client takes operator, builder or "
                               "viewer",
                               key.grant.name),
                   "ask an operator for a key of your own: `deploy key new`"};
  if (is_agent && h.agent && h.agent->name != key.grant.name)
    return failure{failure_code::forbidden,
                   fmt::format("the key is machine {}'s, the agent calls itself {}", key.grant.name,
                               h.agent->name),
                   "leave --name out, or make a key for this name"};
  return std::nullopt;
}

std::optional<failure> objection_to(const caller& who, const message& what) {
  return std::visit(
    [&](const auto& body) -> std::optional<failure> {
      using body_type = std::decay_t<decltype(body)>;
      auto may = std::ranges::find(access_table, body_type::type, &rule::message)->may_send;
      if (!(may & only(who.role)))
        return forbidden(who, body_type::type, may);
      if constexpr (std::is_same_v<body_type, query>)
        if (body.subject == query_subject::keys && who.role != key_role::operator_)
          return forbidden(who, "the list of keys", operators);
      if constexpr (requires { body.namespace_; })
        return objection_in(who, body.namespace_);
      else
        return std::nullopt;
    },
    what);
}

std::optional<failure> objection_to_groups(const caller& who, const readable_order& what) {
  const auto* build = std::get_if<build_to_deploy>(&what);
  if (!build)
    return std::nullopt;
  for (const auto& each : build->groups)
    if (auto objection = objection_in(who, each.namespace_))
      return objection;
  return std::nullopt;
}

event_page visible_part(const caller& who, event_page page) {
  if (who.namespaces.empty())
    return page;
  page.complete_to = page.events.empty() ? page.last : page.events.back().seq;
  std::erase_if(page.events, [&](const event& each) {
    return !may_see(who, each.namespace_) || std::holds_alternative<key_change>(each.what);
  });
  return page;
}

std::string access_text() {
  constexpr auto& all = enum_text<key_role>::names;
  auto out = fmt::format("| message | {} |\n|---|", fmt::join(all, " | "));
  for (std::size_t i = 0; i < all.size(); ++i)
    out += "---|";
  for (const auto& each : access_table) {
    out += fmt::format("\n| `{}` |", each.message);
    for (std::size_t i = 0; i < all.size(); ++i)
      out += each.may_send & only(static_cast<key_role>(i)) ? " yes |" : " |";
  }
  return out + "\n";
}

} // namespace deployminator::actors
