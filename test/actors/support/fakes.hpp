#pragma once

#include "actors/interfaces.hpp"
#include "test/actors/support/actors_bench.hpp"

#include <string>
#include <tuple>
#include <utility>
#include <vector>

/// Actors that note what they are told and answer when the test says so.
namespace deployminator::test {

// -- gateway --------------------------------------------------------------------------------------

/// A message that was to go out.
struct dispatched {
  bus::socket_id socket = 0;
  std::string peer;
  actors::envelope_ptr envelope;
};

struct outbox {
  std::vector<dispatched> all;
  /// Who was to be let in, last.
  bus::trusted_keys trusted;

  /// The messages of one type, to this peer or to anybody.
  template <class Body>
  [[nodiscard]] std::vector<Body> of(const std::string& peer = {}) const {
    std::vector<Body> out;
    for (const auto& each : all)
      if (const auto* body = std::get_if<Body>(&each.envelope->body))
        if (peer.empty() || peer == each.peer)
          out.push_back(*body);
    return out;
  }

  [[nodiscard]] std::vector<std::string_view> types() const {
    std::vector<std::string_view> out;
    for (const auto& each : all)
      out.push_back(std::visit([](const auto& body) { return body.type; }, each.envelope->body));
    return out;
  }
};

inline actors::gateway_actor::behavior_type recording_gateway(actors::gateway_actor::pointer,
                                                              outbox* out) {
  return {
    [](atom::attach, const actors::receiver_actor&) {},
    [](atom::attach, bus::socket_id, bus::socket_kind) {},
    [](const bus::inbound&) {},
    [out](atom::dispatch, bus::socket_id socket, const std::string& peer,
          const actors::envelope_ptr& e) {
      out->all.push_back({socket, peer, e});
    },
    [out](atom::dispatch, bus::socket_id socket, const actors::peers_ptr& peers,
          const actors::envelope_ptr& e) {
      for (const auto& each : *peers)
        out->all.push_back({socket, each, e});
    },
    [](atom::shut, bus::socket_id) {},
    [out](atom::trust, const common::trusted_keys_ptr& who) { out->trusted = *who; },
    [](atom::open, bus::socket_kind, const std::string&) -> caf::result<bus::socket_id> {
      return bus::socket_id{1};
    },
  };
}

// -- DEPLOYMINATOR --------------------------------------------------------------------------------

struct upkeep_call {
  std::uint64_t group_id = 0;
  actors::plan_ptr plan;
  std::string occasion;
};

struct join_call {
  actors::hello_ptr hello;
  actors::machine_actor from;
};

struct observe_call {
  std::string machine;
  actors::report_ptr news;
};

struct deployminator_calls {
  calls<actors::readable_order_ptr, actors::plan_view_ptr> order_views;
  calls<actors::order_call_ptr, actors::message_ptr> orders;
  calls<actors::order_call_ptr, actors::message_ptr> plans;
  calls<std::uint64_t, actors::plan_view_ptr> upkeep_views;
  calls<upkeep_call, actors::upkeep_outcome> upkeeps;
  calls<actors::envelope_ptr, actors::message_ptr> questions;
  calls<join_call, actors::briefing_ptr> joins;
  std::vector<std::string> lost;
  /// When each of those was heard last.
  std::vector<messages::timestamp> heard;
  calls<observe_call, bool> reports;
  calls<std::string, actors::assignment_difference_ptr> assignments;
  std::vector<actors::rollout_decision> decisions;
  /// Of strategies.
  std::vector<std::string> troubles;
  int asked_for_lead = 0;
};

using fake_deployminator_actor = actors::deployminator_actor::extend<caf::reacts_to<release>>;

inline fake_deployminator_actor::behavior_type
fake_deployminator(fake_deployminator_actor::pointer self, deployminator_calls* c) {
  using namespace actors;
  return {
    [](atom::attach, const upkeep_actor&) {},
    [](atom::attach, const doorkeeper_actor&) {},
    [=](atom::view, const readable_order_ptr& order) { return hold(self, c->order_views, order); },
    [=](atom::order, const order_call_ptr& order) { return hold(self, c->orders, order); },
    [=](atom::plan, const order_call_ptr& order, std::uint64_t) {
      return hold(self, c->plans, order);
    },
    [=](atom::view, std::uint64_t group) { return hold(self, c->upkeep_views, group); },
    [=](atom::upkeep, std::uint64_t group, const plan_ptr& p, const std::string& occasion) {
      return hold(self, c->upkeeps, upkeep_call{group, p, occasion});
    },
    [=](atom::question, const messages::caller&, const envelope_ptr& e) {
      return hold(self, c->questions, e);
    },
    [=](atom::join, const hello_ptr& h, const machine_actor& from) {
      return hold(self, c->joins, join_call{h, from});
    },
    [=](atom::lost, const std::string& machine, const std::string& reason,
        messages::timestamp heard) {
      c->lost.push_back(machine + ": " + reason);
      c->heard.push_back(heard);
    },
    [=](atom::observe, const std::string& machine, const report_ptr& news) {
      return hold(self, c->reports, observe_call{machine, news});
    },
    [=](atom::assign, const std::string& machine) { return hold(self, c->assignments, machine); },
    [=](atom::advance, std::uint64_t, const rollout_decision_ptr& decision) {
      c->decisions.push_back(*decision);
    },
    [=](atom::trouble, const std::string& strategy, const std::string& why) {
      c->troubles.push_back(strategy + ": " + why);
    },
    [=](atom::lead) { ++c->asked_for_lead; },
    [](atom::tick, atom::lead) {},
    [](atom::tick, const std::string&) {},
    [](atom::load) {},
    [](atom::tick, std::uint64_t) {},
    [](const release& r) { r.run(); },
  };
}

// -- PLANNER --------------------------------------------------------------------------------------

struct planner_calls {
  calls<actors::order_ptr, actors::readable_order_ptr> reads;
  calls<actors::plan_view_ptr, actors::plan_ptr> plans;
};

using fake_planner_actor = actors::planner_actor::extend<caf::reacts_to<release>>;

inline fake_planner_actor::behavior_type fake_planner(fake_planner_actor::pointer self,
                                                      planner_calls* c) {
  using namespace actors;
  return {
    [=](atom::read, const order_ptr& order) { return hold(self, c->reads, order); },
    [=](atom::plan, const plan_view_ptr& view) { return hold(self, c->plans, view); },
    [](const release& r) { r.run(); },
  };
}

// -- ORDERS ---------------------------------------------------------------------------------------

struct order_given {
  messages::caller who;
  actors::order_ptr order;
};

using orders_calls = calls<order_given, actors::message_ptr>;
using fake_orders_actor = actors::orders_actor::extend<caf::reacts_to<release>>;

inline fake_orders_actor::behavior_type fake_orders(fake_orders_actor::pointer self,
                                                    orders_calls* c) {
  return {
    [=](atom::order, const messages::caller& who, const actors::order_ptr& order) {
      return hold(self, *c, order_given{who, order});
    },
    [](atom::plan, const messages::caller&, const actors::plan_build_ptr& asked) {
      messages::build_plan out;
      out.digest = asked->order.file_name;
      return actors::message_ptr{std::make_shared<const messages::message>(std::move(out))};
    },
    [](const release& r) { r.run(); },
  };
}

// -- PUBLISHER ------------------------------------------------------------------------------------

struct publisher_calls {
  std::vector<messages::event> published;
  std::vector<messages::event> collected;
  int unsure = 0;
  /// Those that are not stored.
  std::vector<messages::event> told;
  calls<std::uint64_t, actors::event_page_ptr> pages;
};

using fake_publisher_actor = actors::publisher_actor::extend<caf::reacts_to<release>>;

inline fake_publisher_actor::behavior_type fake_publisher(fake_publisher_actor::pointer self,
                                                          publisher_calls* c) {
  using namespace actors;
  return {
    [=](atom::publish, const events_ptr& list) {
      c->published.insert(c->published.end(), list->begin(), list->end());
    },
    [=](atom::unsure) { ++c->unsure; },
    [=](atom::collect, const events_ptr& list) {
      c->collected.insert(c->collected.end(), list->begin(), list->end());
    },
    [=](atom::tell, const events_ptr& list) {
      c->told.insert(c->told.end(), list->begin(), list->end());
    },
    [=](atom::events, std::uint64_t seq) { return hold(self, c->pages, seq); },
    [](atom::tick) {},
    [](const release& r) { r.run(); },
  };
}

// -- REGISTRAR ------------------------------------------------------------------------------------

struct registrar_calls {
  /// What `load` yields.
  messages::farm stored;
  calls<actors::change_ptr, std::uint64_t> commits;
  /// Events that are not to be stored.
  std::vector<messages::event> told;
  int loads = 0;
  bool is_away = false;
  bool is_led_by_another = false;
  /// It does not say who leads.
  bool is_silent = false;
};

using fake_registrar_actor = actors::registrar_actor::extend<caf::reacts_to<release>>;

inline fake_registrar_actor::behavior_type fake_registrar(fake_registrar_actor::pointer self,
                                                          registrar_calls* c) {
  using namespace actors;
  return {
    [](atom::attach, const publisher_actor&) {},
    [=](atom::load) -> caf::result<farm_ptr> {
      ++c->loads;
      if (c->is_away)
        return to_error({messages::failure_code::internal, "the database is away", ""});
      return std::make_shared<messages::farm>(c->stored);
    },
    [=](atom::commit, const change_ptr& what) { return hold(self, c->commits, what); },
    [=](atom::tell, const events_ptr& list) {
      c->told.insert(c->told.end(), list->begin(), list->end());
    },
    [=](atom::lead) -> caf::result<bool> {
      if (c->is_led_by_another)
        return to_error({messages::failure_code::refused, "another server has taken over", ""});
      if (c->is_silent)
        return to_error({messages::failure_code::unreachable, "the database is away", ""});
      return true;
    },
    [](atom::servers) -> caf::result<server_rows_ptr> {
      return std::make_shared<const std::vector<messages::server_row>>(
        std::vector<messages::server_row>{{.name = "alpha"}});
    },
    [](atom::events, std::uint64_t) -> caf::result<event_page_ptr> {
      return std::make_shared<const messages::event_page>();
    },
    [](const release& r) { r.run(); },
  };
}

// -- SESSIONS -------------------------------------------------------------------------------------

struct sessions_calls {
  /// `MACHINE PEER`.
  std::vector<std::string> refused;
};

inline actors::sessions_actor::behavior_type fake_sessions(actors::sessions_actor::pointer,
                                                           sessions_calls* c) {
  return {
    [](atom::deliver, const actors::received&) {},
    [](atom::rotate, const actors::next_server_key_ptr&) {},
    [=](atom::refused, const std::string& machine, const std::string& peer) {
      c->refused.push_back(machine + " " + peer);
    },
    [](atom::tick) {},
    [](atom::trust, const actors::keys_ptr&) {},
  };
}

// -- UPKEEP ---------------------------------------------------------------------------------------

struct upkeep_calls {
  /// `GROUP OCCASION`, or `GROUP failed`.
  std::vector<std::string> told;
};

inline actors::upkeep_actor::behavior_type fake_upkeep(actors::upkeep_actor::pointer,
                                                       upkeep_calls* c) {
  return {
    [=](atom::upkeep, const actors::group_ids_ptr& groups, const std::string& occasion) {
      for (auto each : *groups)
        c->told.push_back(std::to_string(each) + " " + occasion);
    },
    [=](atom::upkeep, std::uint64_t group) {
      c->told.push_back(std::to_string(group) + " failed");
    },
    [](atom::tick) {},
  };
}

} // namespace deployminator::test
