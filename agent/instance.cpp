#include "agent/instance.hpp"

#include "actors/common/logging.hpp"
#include "agent/decisions/output.hpp"
#include "agent/weak_handle.hpp"
#include "messages/log_line.hpp"

#include <deque>

namespace deployminator::agent {

namespace {

using instance_pointer = instance_actor::stateful_pointer<instance_state>;

/// How much of a failed program's output is reported.
constexpr std::uint32_t tail_lines = 40;
constexpr std::size_t tail_bytes = 4 << 10;
/// Lines so long that 40 of them exceed this are cut.
constexpr std::size_t most_tail_bytes = 256 << 10;

/// The last lines that the program printed, as far as they can be read.
std::string output_of(log_reader& logs, const std::string& id) {
  auto start = logs.offset_of_last_lines(id, tail_lines);
  if (!start)
    return {};
  auto piece = logs.read(id, *start, most_tail_bytes);
  return piece ? last_lines(messages::log_text(piece->data), tail_bytes) : std::string{};
}

/// What was fetched once is wanted again as it was, even where its version pins nothing.
spec_ptr spec_to_fetch(const instance_life& life) {
  if (!life.spec->app.sha256.empty() || life.seen.sha256.empty())
    return life.spec;
  auto out = std::make_shared<messages::instance_spec>(*life.spec);
  out->app.sha256 = life.seen.sha256;
  return out;
}

/// What is told of the instance's log once it is gone.
messages::kept_log last_of(const instance_life& life) {
  messages::kept_log out;
  const auto& spec = *life.spec;
  out.instance = spec.id;
  out.namespace_ = spec.namespace_;
  out.group = spec.group;
  out.application = spec.app.name;
  out.version = spec.version;
  out.build = spec.build;
  out.machine = life.machine;
  out.reason = end_text(life);
  return out;
}

/// Carries out one action; what follows at once is appended to `events`.
class performer {
public:
  performer(instance_pointer self, std::deque<instance_event>& events)
    : self_(self), state_(self->state), me_(self), events_(events) {}

  void operator()(const fetch_artifact&) {
    self_->send(state_.fetcher, atom::fetch_v, spec_to_fetch(state_.life), me_);
  }
  void operator()(const cancel_fetch&) {
    self_->send(state_.fetcher, atom::abandon_v, id());
  }
  void operator()(const reserve_grant& action) {
    events_.emplace_back(reserve_ended{instances().reserve(id(), action.ports, action.own_user)});
  }
  void operator()(const unpack_order& action) {
    instances().unpack(action, [me = weak_handle{me_}](void_result outcome) {
      me.send(atom::unpacked_v, std::move(outcome));
    });
  }
  void operator()(const launch_order& action) {
    instances().launch(action);
  }
  void operator()(const stop_processes& action) {
    instances().stop(id(), action.rules);
  }
  void operator()(const kill_everything&) {
    instances().kill_all(id());
  }
  void operator()(const remove_files&) {
    instances().remove(last_of(state_.life), [me = weak_handle{me_}](void_result outcome) {
      me.send(atom::removed_v, std::move(outcome));
    });
  }
  void operator()(const start_timer& action) {
    self_->delayed_send(self_, action.after, atom::tick_v, action.number);
  }
  void operator()(const start_check_timer& action) {
    self_->delayed_send(self_, action.after, atom::check_v, action.number);
  }
  void operator()(const ask_health& action) {
    state_.world->health->check(
      action.order, [me = weak_handle{me_}, number = action.number](health_outcome outcome) {
        me.send(check_ended{number, outcome.healthy, std::move(outcome.seen)});
      });
  }
  void operator()(const forget&) {
    common::log::info("instance is gone", {{"id", id()}, {"reason", state_.life.seen.reason}});
    self_->send(state_.journal, atom::erase_v, id());
    self_->send(state_.observer, atom::gone_v,
                std::make_shared<const messages::observation>(state_.life.seen));
    self_->quit();
  }

private:
  [[nodiscard]] const std::string& id() const {
    return state_.life.spec->id;
  }
  [[nodiscard]] launcher& instances() const {
    return *state_.world->instances;
  }

  instance_pointer self_;
  instance_state& state_;
  instance_actor me_;
  std::deque<instance_event>& events_;
};

void log_instance(const messages::observation& before, const messages::observation& now) {
  if (before.state == now.state && before.pid == now.pid && before.reason == now.reason)
    return;
  common::log::info("instance changed", {{"id", now.id},
                                         {"from", before.state},
                                         {"to", now.state},
                                         {"pid", now.pid},
                                         {"reason", now.reason}});
}

/// Tells OBSERVER and JOURNAL what is new.
void tell_news(instance_pointer self) {
  auto& state = self->state;
  const auto& seen = state.life.seen;
  if (state.life.phase == instance_phase::removed)
    return;
  if (seen != state.told) {
    log_instance(state.told, seen);
    state.told = seen;
    self->send(state.observer, atom::seen_v, std::make_shared<const messages::observation>(seen));
  }
  auto record = record_of(state.life);
  if (record == state.noted)
    return;
  state.noted = record;
  self->send(state.journal, atom::note_v, std::move(record));
}

void happen(instance_pointer self, instance_event event) {
  auto& state = self->state;
  std::deque<instance_event> events{std::move(event)};
  while (!events.empty()) {
    moment now{self->clock().now(), state.world->ambient.utc_now()};
    auto actions = advance(state.life, events.front(), now);
    events.pop_front();
    for (auto& action : actions)
      std::visit(performer{self, events}, action);
  }
  tell_news(self);
}

std::string output_after(instance_pointer self, const process_event& event) {
  auto& state = self->state;
  bool failed = event.what == process_event::kind::exited
                && state.life.phase != instance_phase::stopping
                && state.life.phase != instance_phase::clearing;
  return failed ? output_of(*state.world->logs, event.id) : std::string{};
}

begun beginning_of(instance_pointer self, instance_config& config) {
  begun out{std::move(config.found), std::move(config.record), {}};
  if (out.found && out.found->exit)
    out.output = output_of(*self->state.world->logs, out.found->id);
  return out;
}

} // namespace

instance_actor::behavior_type instance(instance_actor::stateful_pointer<instance_state> self,
                                       instance_config config) {
  auto& state = self->state;
  state.life.spec = config.spec;
  state.life.machine = config.machine;
  state.world = config.world;
  state.observer = config.observer;
  state.fetcher = config.fetcher;
  state.journal = config.journal;
  if (config.record)
    state.noted = *config.record;
  happen(self, beginning_of(self, config));
  return {
    [self](atom::direct, spec_ptr& spec) { happen(self, ordered{std::move(spec)}); },
    [self](atom::fetched, artifact_result& outcome) {
      happen(self, fetch_ended{std::move(outcome)});
    },
    [self](atom::note, fetch_note& note) { happen(self, std::move(note)); },
    [self](atom::unpacked, void_result& outcome) {
      happen(self, unpack_ended{std::move(outcome)});
    },
    [self](atom::removed, void_result& outcome) { happen(self, remove_ended{std::move(outcome)}); },
    [self](atom::revive, std::string& what) { happen(self, world_changed{std::move(what)}); },
    [self](process_event& event) {
      auto output = output_after(self, event);
      happen(self, process_changed{std::move(event), std::move(output)});
    },
    [self](check_ended& outcome) { happen(self, std::move(outcome)); },
    [self](atom::check, std::uint64_t number) { happen(self, check_due{number}); },
    [self](atom::tick, std::uint64_t number) { happen(self, timer_fired{number}); },
  };
}

} // namespace deployminator::agent
