#include "actors/attendance.hpp"

#include "actors/common/errors.hpp"
#include "actors/common/logging.hpp"
#include "actors/decisions/edit.hpp"
#include "actors/decisions/join.hpp"

#include <fmt/format.h>

#include <chrono>
#include <utility>

namespace deployminator::actors {

namespace {

using namespace std::chrono_literals;
using namespace messages;

/// How much longer while some still come.
constexpr auto more_grace = 1s;

void release_held_back(deployminator_pointer self) {
  if (!self->state.present.is_complete())
    return;
  for (auto& each : std::exchange(self->state.held_back, {}))
    each();
}

std::string occasion_of(const std::string& machine_name, const join& joined) {
  if (!joined.was_known)
    return machine_name + " has joined";
  return machine_name + (joined.same_groups ? " is back" : " has other machine groups");
}

messages::duration steady(deployminator_pointer self) {
  return std::chrono::duration_cast<duration>(self->clock().now().time_since_epoch());
}

/// Tells everybody that nothing is replaced.
void tell_of_cut(deployminator_pointer self, const std::string& name, const std::string& why) {
  common::log::warning("deployminator replaces nothing", {{"machine", name}, {"reason", why}});
  work w;
  w.decide = [self, name, why](const farm& f) {
    auto m = now(self);
    edit c{f, m};
    if (auto row = f.machines.find(name); row != f.machines.end() && row->second.lost)
      c.tell(machine_change{name, machine_state::unreachable, machine_state::unreachable, why});
    return std::move(c).done();
  };
  enqueue(self, std::move(w));
}

briefing_ptr brief(deployminator_pointer self, const std::string& name, const machine_actor& from,
                   const join& joined) {
  auto& state = self->state;
  const auto& f = state.queue.farm();
  auto row = f.machines.find(name);
  briefing out{assignment_head_of(f, name), observation_digest_of(f, name),
               row != f.machines.end() && !row->second.troubles.empty()};
  state.listeners.add_machine(name, from, out.assignment.generation);
  state.still_coming = true;
  if (!joined.was_reachable)
    state.listeners.tell_rollouts_on(self, f, state.present, name);
  if (!joined.was_reachable || !joined.same_groups)
    state.listeners.want_upkeep(self, f, occasion_of(name, joined));
  release_held_back(self);
  return std::make_shared<const briefing>(out);
}

} // namespace

caf::result<briefing_ptr> take_join(deployminator_pointer self, const hello_ptr& h,
                                    const machine_actor& from) {
  auto joined = std::make_shared<result<join>>(join{});
  auto was_connected = std::make_shared<bool>(false);
  auto answer = self->make_response_promise<briefing_ptr>();
  auto name = h->agent->name;
  self->state.joining.insert(name);
  work w;
  w.decide = [self, h, name, joined, was_connected](const farm& f) {
    auto& present = self->state.present;
    *was_connected = present.is_connected(name);
    *joined
      = machine_joined(f, *h->agent, h->software, self->state.config.asks_for_keys, now(self));
    if (!*joined)
      return change{};
    present.arrive(name);
    return std::exchange((*joined)->what, {});
  };
  auto finish = answering(answer, [=](std::uint64_t) -> result<briefing_ptr> {
    if (!*joined)
      return joined->error();
    self->state.silent_since.erase(name);
    if (h->agent->observation_digest == observation_digest_of(self->state.queue.farm(), name))
      self->state.unheard.erase(name);
    else
      self->state.unheard.insert(name);
    return brief(self, name, from, **joined);
  });
  w.finished = [self, name, was_connected, finish](const result<std::uint64_t>& outcome) mutable {
    self->state.joining.extract(name);
    // Whether anybody was told that it came is seen when the farm is loaded.
    if (!outcome && !*was_connected)
      self->state.present.leave(name);
    finish(outcome);
  };
  enqueue(self, std::move(w));
  return answer;
}

void take_loss(deployminator_pointer self, const std::string& name, const std::string& reason,
               timestamp heard) {
  work w;
  w.decide = [self, name, reason, heard](const farm& f) {
    auto& present = self->state.present;
    if (!present.is_reachable(name))
      return change{};
    present.leave(name);
    return machine_lost(f, name, reason, heard, now(self));
  };
  w.finished = [self, name](const result<std::uint64_t>& outcome) {
    auto& state = self->state;
    // While the store is away nothing is decided, and its agent is gone all the same.
    if (!outcome)
      state.present.leave(name);
    if (!state.present.is_connected(name))
      state.listeners.drop_machine(name);
    if (!outcome) {
      // Nobody was told: it is awaited, and given up again.
      state.present.expect(name);
      return self->delayed_send(self, return_grace, atom::tick_v, ++state.last_look);
    }
    begin_silence(self, name);
    state.listeners.tell_rollouts_on(self, state.queue.farm(), state.present, name);
    release_held_back(self);
  };
  enqueue(self, std::move(w));
}

void give_up_on_absent_machines(deployminator_pointer self) {
  auto& state = self->state;
  if (std::exchange(state.still_coming, false) && !state.present.is_complete())
    return self->delayed_send(self, more_grace, atom::tick_v, ++state.last_look);
  auto absent = state.present.awaited();
  for (const auto& name : absent)
    if (!state.joining.contains(name))
      take_loss(self, name, "its agent did not connect after the server's start", {});
}

void begin_silence(deployminator_pointer self, const std::string& name) {
  auto& state = self->state;
  const auto& f = state.queue.farm();
  auto row = f.machines.find(name);
  if (row == f.machines.end() || !row->second.lost
      || !state.silent_since.emplace(name, steady(self)).second)
    return;
  for (auto each : patiences_on(f, name, state.config.silence))
    self->delayed_send(self, each, atom::tick_v, name);
}

void look_at_silence(deployminator_pointer self, const std::string& name) {
  auto& state = self->state;
  const auto& f = state.queue.farm();
  auto quiet = silence_now(self, f);
  auto since = quiet.lasting.find(name);
  if (since == quiet.lasting.end())
    return;
  if (!quiet.cut_off.empty())
    return tell_of_cut(self, name, quiet.cut_off);
  state.listeners.want_upkeep(
    self, f, fmt::format("{} is silent for {} s", name, since->second.count() / 1000));
}

void machine_was_heard(deployminator_pointer self, const std::string& name) {
  auto& state = self->state;
  if (state.unheard.erase(name) > 0)
    state.listeners.want_upkeep(self, state.queue.farm(), name + " said what runs on it");
}

silence silence_now(deployminator_pointer self, const farm& f) {
  const auto& state = self->state;
  return silence_of(f, state.present, state.silent_since, state.unheard, state.config.silence,
                    steady(self));
}

void when_complete(deployminator_pointer self, std::function<void()> f) {
  if (self->state.present.is_complete())
    return f();
  self->state.held_back.push_back(std::move(f));
}

} // namespace deployminator::actors
