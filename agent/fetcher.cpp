#include "agent/fetcher.hpp"

#include "actors/common/logging.hpp"
#include "agent/decisions/progress.hpp"
#include "agent/weak_handle.hpp"
#include "messages/url.hpp"

namespace deployminator::agent {

namespace {

using fetcher_pointer = fetcher_actor::stateful_pointer<fetcher_state>;

/// Progress of one transfer is published no more often.
constexpr std::chrono::milliseconds publish_interval{500};
constexpr std::chrono::seconds pace_interval{1};

void carry_out(fetcher_pointer self, const fetch_queue::step& step) {
  weak_handle me{fetcher_actor{self}};
  for (const auto& key : step.cancel) {
    common::log::info("fetcher cancels transfer", {{"key", key}});
    self->state.world->downloads->cancel(key);
  }
  for (const auto& order : step.start) {
    common::log::info("fetcher starts transfer",
                      {{"key", order.key}, {"artifact", messages::public_url(order.url)}});
    self->state.world->downloads->start(
      order,
      [me, key = order.key](download_progress progress) { me.send(atom::seen_v, key, progress); },
      [me, key = order.key](artifact_result outcome) {
        me.send(atom::fetched_v, key, std::move(outcome));
      });
  }
  if (self->state.queue.empty() || self->state.ticking)
    return;
  self->state.ticking = true;
  self->delayed_send(self, pace_interval, atom::tick_v);
}

void tell_waiters(fetcher_pointer self) {
  auto& state = self->state;
  for (auto& [id, note] : state.watch.news(state.queue, self->clock().now()))
    if (auto waiting = state.waiting.find(id); waiting != state.waiting.end())
      self->send(waiting->second, atom::note_v, std::move(note));
}

void look_at_pace(fetcher_pointer self) {
  auto& state = self->state;
  auto now = self->clock().now();
  state.ticking = false;
  for (const auto& [key, speed] : state.watch.look(now))
    carry_out(self, state.queue.set_speed(key, speed));
  tell_waiters(self);
  carry_out(self, {});
}

void publish(fetcher_pointer self, const std::string& key, const download_progress& progress) {
  auto& state = self->state;
  auto waiting = state.queue.waiting_for(key);
  if (state.progress_socket == 0 || waiting.empty())
    return;
  messages::progress body{
    progress_events(state.machine, waiting, progress, state.world->ambient.utc_now())};
  self->send(state.gateway, atom::dispatch_v, state.progress_socket, std::string{},
             std::make_shared<const messages::envelope>(
               messages::envelope{0, state.epoch, std::move(body)}));
}

void publish_at_times(fetcher_pointer self, const std::string& key,
                      const download_progress& progress) {
  auto now = self->clock().now();
  auto [last, is_first] = self->state.published.try_emplace(key, now);
  if (!is_first && now - last->second < publish_interval)
    return;
  last->second = now;
  publish(self, key, progress);
}

void log_end(const std::string& key, const artifact_result& outcome) {
  if (outcome)
    common::log::info("fetcher has artifact", {{"key", key},
                                               {"sha256", outcome->sha256},
                                               {"bytes", outcome->size},
                                               {"cached", outcome->cached}});
  else
    common::log::warning("fetcher failed", {{"key", key}, {"reason", outcome.error().message}});
}

void end_transfer(fetcher_pointer self, const std::string& key, const artifact_result& outcome) {
  auto& state = self->state;
  log_end(key, outcome);
  if (outcome && !outcome->cached)
    publish(self, key, {outcome->size, outcome->size, 0, {}});
  for (const auto& spec : state.queue.waiting_for(key)) {
    auto waiting = state.waiting.find(spec->id);
    if (waiting == state.waiting.end())
      continue;
    self->send(waiting->second, atom::fetched_v, outcome);
    state.watch.forget_waiter(spec->id);
    state.waiting.erase(waiting);
  }
  state.published.erase(key);
  auto next = state.queue.finish(key);
  // One that was sent back to the line is as slow as it was.
  if (!state.queue.contains(key))
    state.watch.forget(key);
  carry_out(self, next);
}

} // namespace

fetcher_actor::behavior_type fetcher(fetcher_actor::stateful_pointer<fetcher_state> self,
                                     std::string machine, outside* world,
                                     common::gateway_actor gateway) {
  self->state.machine = std::move(machine);
  self->state.world = world;
  self->state.gateway = std::move(gateway);
  return {
    [self](atom::fetch, const spec_ptr& spec, const instance_actor& instance) {
      self->state.waiting[spec->id] = instance;
      carry_out(self, self->state.queue.want(spec));
    },
    [self](atom::abandon, const std::string& id) {
      self->state.waiting.erase(id);
      self->state.watch.forget_waiter(id);
      carry_out(self, self->state.queue.unwant(id));
    },
    [self](atom::keep, fetch_keys& keys) {
      if (keys == self->state.kept)
        return;
      self->state.kept = keys;
      self->state.world->downloads->keep_partial(std::move(keys));
    },
    [self](atom::seen, const std::string& key, const download_progress& progress) {
      if (self->state.watch.see(key, progress))
        tell_waiters(self);
      publish_at_times(self, key, progress);
    },
    [self](atom::fetched, const std::string& key, const artifact_result& outcome) {
      end_transfer(self, key, outcome);
    },
    [self](atom::attach, bus::socket_id socket, std::uint64_t epoch) {
      self->state.progress_socket = socket;
      self->state.epoch = epoch;
    },
    [self](atom::tick) { look_at_pace(self); },
  };
}

} // namespace deployminator::agent
