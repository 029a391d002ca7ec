#include "agent/public_ports.hpp"

#include "actors/common/logging.hpp"

#include <algorithm>
#include <chrono>
#include <utility>

namespace deployminator::agent {

namespace {

using public_ports_pointer = public_ports_actor::stateful_pointer<public_ports_state>;
using messages::port_target;
using namespace std::chrono_literals;
namespace log = common::log;

/// How often the configuration is looked at, and how often the rules.
constexpr auto look_interval = 2s;
constexpr auto check_interval = 15s;

void log_target(const port_target& now, const std::vector<port_target>& before) {
  auto was = std::find_if(before.begin(), before.end(), [&](const port_target& each) {
    return each.public_port == now.public_port;
  });
  bool same = was != before.end() ? was->instance == now.instance && was->port == now.port
                                  : now.instance.empty();
  if (!same)
    log::info("public_ports leads port", {{"port", now.public_port},
                                          {"label", now.label},
                                          {"from", was != before.end() ? was->instance : ""},
                                          {"to", now.instance},
                                          {"its_port", now.port},
                                          {"reason", now.reason}});
}

void get_unstuck(public_ports_state& state, packet_filter::outcome outcome) {
  if (!state.stuck.empty())
    log::info("public_ports can set the packet filter's rules again");
  state.stuck.clear();
  if (outcome == packet_filter::outcome::put_back)
    log::warning("public_ports put rules back that somebody had removed or changed");
}

void get_stuck(public_ports_state& state, const std::string& why) {
  if (state.stuck != why)
    log::error("public_ports cannot set the packet filter's rules", {{"reason", why}});
  state.stuck = why;
}

/// Makes the packet filter lead to the targets, and returns where the ports lead then.
std::vector<port_target> lead(public_ports_state& state, std::vector<port_target> targets) {
  auto wanted = map_of(targets);
  auto done = state.world->filter->lead(wanted);
  bool nobody_asked = state.entries->empty() && state.map.value_or(port_map{}).empty();
  if (!done && nobody_asked) {
    // Without public ports the machine need not have nftables, nor give us the right.
    state.map.emplace();
    return {};
  }
  if (!done) {
    get_stuck(state, done.error().message);
    return while_stuck(targets, state.in_effect, done.error().message);
  }
  get_unstuck(state, *done);
  for (const auto& each : targets)
    log_target(each, state.in_effect);
  state.map = std::move(wanted);
  return targets;
}

/// Prepares what the next report says of the ports; false: nothing new.
bool tell_agent(public_ports_pointer self) {
  auto& state = self->state;
  messages::public_ports now{state.in_effect,
                             state.wrong_settings.empty() ? state.stuck : state.wrong_settings};
  if (now == state.told)
    return false;
  state.told = now;
  self->send(state.agent,
             public_ports_ptr{std::make_shared<const messages::public_ports>(std::move(now))});
  return true;
}

/// Leads every port where it should lead now. Whether the rules are still those that were set is
/// looked at only where `doubt` says so. True: there is something to report.
bool keep_in_step(public_ports_pointer self, bool doubt = false) {
  auto& state = self->state;
  if (!state.entries || !state.knows_all)
    return false;
  auto targets = choose_targets(*state.entries, state.instances);
  bool is_in_step = state.stuck.empty() && state.map == map_of(targets);
  bool never_had_any = state.entries->empty() && is_in_step;
  state.in_effect = never_had_any || (is_in_step && !doubt) ? std::move(targets)
                                                            : lead(state, std::move(targets));
  return tell_agent(self);
}

void keep_in_step_and_report(public_ports_pointer self, bool doubt = false) {
  if (keep_in_step(self, doubt))
    self->send(self->state.agent, atom::report_v);
}

/// What an earlier agent left is known when all was expected and all that was expected is seen;
/// instances that come later are known to be new.
void note_who_is_known(public_ports_state& state) {
  state.knows_all = state.knows_all || (state.begun && state.unseen.empty());
}

/// All ports lead where they should, so whoever waited for that may go on.
void let_go_on(public_ports_pointer self) {
  auto& state = self->state;
  if (!state.knows_all)
    return;
  for (auto& [spec, instance] : std::exchange(state.held_back, {}))
    self->send(instance, atom::direct_v, std::move(spec));
  if (state.when_all_known.pending())
    state.when_all_known.deliver(true);
}

void look_at_settings(public_ports_pointer self) {
  auto& state = self->state;
  auto news = state.world->ports->news();
  if (!news)
    return;
  if (!*news) {
    state.wrong_settings = news->error().message;
    log::error("public_ports keeps its rules: the configuration is wrong",
               {{"reason", state.wrong_settings}});
    return;
  }
  state.wrong_settings.clear();
  if (state.entries || !(*news)->empty())
    log::info("public_ports has its configuration", {{"entries", (*news)->size()}});
  state.entries = std::move(**news);
}

void see(public_ports_pointer self, const observation_ptr& seen) {
  auto& state = self->state;
  auto known = state.instances.find(seen->id);
  if (known != state.instances.end())
    known->second.seen = *seen;
  state.unseen.erase(seen->id);
  note_who_is_known(state);
  keep_in_step(self);
  self->send(state.observer, atom::seen_v, seen);
  let_go_on(self);
}

void see_gone(public_ports_pointer self, const observation_ptr& last) {
  auto& state = self->state;
  state.instances.erase(last->id);
  state.unseen.erase(last->id);
  note_who_is_known(state);
  keep_in_step(self);
  self->send(state.observer, atom::gone_v, last);
  let_go_on(self);
}

} // namespace

public_ports_actor::behavior_type
public_ports(public_ports_actor::stateful_pointer<public_ports_state> self, outside* world,
             agent_actor agent) {
  auto& state = self->state;
  state.world = world;
  state.agent = agent;
  state.observer = agent;
  look_at_settings(self);
  self->delayed_send(self, look_interval, atom::tick_v);
  self->delayed_send(self, check_interval, atom::check_v);
  return {
    [self](atom::expect, spec_ptr& spec) {
      auto id = spec->id;
      self->state.unseen.insert(id);
      self->state.instances[id] = {std::move(spec), std::nullopt};
    },
    [self](atom::direct, const spec_ptr& spec, const instance_actor& instance) {
      auto known = self->state.instances.find(spec->id);
      if (known != self->state.instances.end())
        known->second.spec = spec;
      keep_in_step_and_report(self);
      self->state.held_back.emplace_back(spec, instance);
      let_go_on(self);
    },
    [self](atom::begin) {
      self->state.begun = true;
      note_who_is_known(self->state);
      keep_in_step_and_report(self);
      auto promise = self->make_response_promise<bool>();
      self->state.when_all_known = promise;
      let_go_on(self);
      return promise;
    },
    [self](atom::tick) {
      self->delayed_send(self, look_interval, atom::tick_v);
      look_at_settings(self);
      keep_in_step_and_report(self);
    },
    [self](atom::check) {
      self->delayed_send(self, check_interval, atom::check_v);
      keep_in_step_and_report(self, true);
    },
    [self](atom::seen, const observation_ptr& seen) { see(self, seen); },
    [self](atom::gone, const observation_ptr& last) { see_gone(self, last); },
  };
}

} // namespace deployminator::agent
