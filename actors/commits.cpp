#include "actors/commits.hpp"

#include "actors/common/logging.hpp"
#include "actors/event_log.hpp"

#include <utility>

namespace deployminator::actors {

namespace {

using namespace std::chrono_literals;
using namespace messages;

constexpr auto reload_interval = 2s;

void store_fails(deployminator_pointer self, const failure& why) {
  auto& trouble = self->state.store_trouble;
  if (trouble)
    return;
  trouble = {"nothing can be stored: " + why.message, self->state.config.utc_now(),
             (why.hint.empty() ? "see the server's log" : why.hint)
               + "; until then orders are refused, and what is shown is what was stored last"};
  tell_trouble(self, *trouble, false);
}

void store_works(deployminator_pointer self) {
  if (auto ended = std::exchange(self->state.store_trouble, std::nullopt))
    tell_trouble(self, *ended, true);
}

void proceed(deployminator_pointer self) {
  auto next = self->state.queue.next();
  if (!next)
    return;
  self->request(self->state.config.registrar, store_timeout, atom::commit_v, next)
    .then(
      [self](std::uint64_t last) {
        auto& state = self->state;
        store_works(self);
        state.queue.committed(last, [&](const change& made) {
          log_stored(made);
          for (const auto& name : made.gone_machines)
            state.silent_since.erase(name);
          state.listeners.tell(self, state.queue.farm(), state.present, made);
        });
        proceed(self);
      },
      [self](const caf::error& e) {
        auto why = to_failure(e);
        self->state.queue.failed(why);
        // Another server leads: this one is of no use until it is started again.
        if (why.code == failure_code::refused)
          return self->quit(e);
        store_fails(self, why);
        reload(self);
      });
}

/// Machines that everybody believes to be there, and that are not, may come back.
void await_those_told_of(deployminator_pointer self, const farm& stored) {
  auto& state = self->state;
  for (const auto& [name, each] : stored.machines)
    if (!each.lost)
      state.present.expect(name);
  if (!state.present.is_complete())
    self->delayed_send(self, return_grace, atom::tick_v, ++state.last_look);
}

} // namespace

void tell_trouble(deployminator_pointer self, const machine_trouble& t, bool is_over) {
  event told;
  told.time = self->state.config.utc_now();
  told.what = trouble_change{{}, t.what, t.since, t.hint, is_over};
  self->send(self->state.config.registrar, atom::tell_v,
             events_ptr{std::make_shared<const std::vector<event>>(std::vector{std::move(told)})});
}

void enqueue(deployminator_pointer self, work w) {
  self->state.queue.push(std::move(w));
  proceed(self);
}

void try_store(deployminator_pointer self) {
  // What is being committed tells as well.
  if (!self->state.store_trouble || !self->state.queue.is_idle()
      || std::exchange(self->state.tries_store, true))
    return;
  self
    ->request(self->state.config.registrar, store_timeout, atom::commit_v,
              change_ptr{std::make_shared<const change>()})
    .then(
      [self](std::uint64_t) {
        self->state.tries_store = false;
        store_works(self);
      },
      // It is still so; who is no longer the leader hears of it otherwise.
      [self](const caf::error&) { self->state.tries_store = false; });
}

moment now(deployminator_pointer self) {
  const auto& config = self->state.config;
  return {config.utc_now(), config.random};
}

void reload(deployminator_pointer self) {
  self->request(self->state.config.registrar, store_timeout, atom::load_v)
    .then(
      [self](const farm_ptr& loaded) {
        auto& state = self->state;
        await_those_told_of(self, *loaded);
        state.queue.loaded(std::move(*loaded));
        const auto& f = state.queue.farm();
        log::info("deployminator reloaded farm", {{"last_event", f.last_event}});
        state.listeners.tell_all_anew(self, f, state.present);
        proceed(self);
      },
      [self](const caf::error& e) {
        auto why = to_failure(e);
        log::error("deployminator cannot load farm", {{"reason", why.message}});
        store_fails(self, why);
        self->state.queue.load_failed(why);
        proceed(self);
        self->delayed_send(self, reload_interval, atom::load_v);
      });
}

} // namespace deployminator::actors
