#include "actors/registrar.hpp"

#include "actors/common/errors.hpp"
#include "actors/common/logging.hpp"
#include "messages/codec.hpp"

#include <algorithm>

namespace deployminator::actors {

namespace {

/// No page has more events than this, however small they are.
constexpr std::size_t page_events = 5'000;

/// An outcome that is not certain is asked for again this often before the caller hears of it.
constexpr int commit_attempts = 3;

messages::result<std::uint64_t> commit(registrar_state& state, const messages::change& c) {
  auto number = ++state.changes;
  auto outcome = state.database->commit(number, c);
  for (int attempt = 1; !outcome && attempt < commit_attempts; ++attempt) {
    if (outcome.error().code == messages::failure_code::refused)
      break;
    auto again = state.database->commit(number, c);
    // The first failure tells what became of the change; later ones only that this cannot be seen.
    if (again || again.error().code == messages::failure_code::refused)
      outcome = std::move(again);
  }
  return outcome;
}

void publish(registrar_state& state, const messages::change& c, std::uint64_t last) {
  if (!state.publisher || c.events.empty())
    return;
  auto numbered = std::make_shared<std::vector<messages::event>>(c.events);
  auto seq = last - c.events.size();
  for (auto& each : *numbered)
    each.seq = ++seq;
  caf::anon_send(state.publisher, atom::publish_v, events_ptr{std::move(numbered)});
}

} // namespace

event_page_ptr page_of(std::vector<messages::event> events, std::uint64_t last) {
  std::size_t bytes = 0;
  auto full = std::find_if(events.begin(), events.end(), [&](const messages::event& each) {
    bytes += messages::to_bytes(each).size();
    return bytes > messages::page_bytes;
  });
  events.erase(full, events.end());
  return std::make_shared<const messages::event_page>(
    messages::event_page{std::move(events), last});
}

registrar_actor::behavior_type registrar(registrar_actor::stateful_pointer<registrar_state> self,
                                         store::store* database, std::uint64_t last_event) {
  auto& state = self->state;
  state.database = database;
  state.last_event = last_event;
  return {
    [&state](atom::attach, const publisher_actor& publisher) { state.publisher = publisher; },
    [&state](atom::load) -> caf::result<farm_ptr> {
      auto loaded = state.database->load();
      if (!loaded)
        return to_error(loaded.error());
      state.last_event = loaded->last_event;
      return farm_ptr{std::make_shared<messages::farm>(std::move(*loaded))};
    },
    [&state](atom::commit, const change_ptr& change) -> caf::result<std::uint64_t> {
      auto last = commit(state, *change);
      if (!last) {
        log::error("registrar failed to commit", {{"reason", last.error().message}});
        if (state.publisher && last.error().code != messages::failure_code::refused)
          caf::anon_send(state.publisher, atom::unsure_v);
        return to_error(last.error());
      }
      state.last_event = *last;
      publish(state, *change, *last);
      return *last;
    },
    [&state](atom::tell, const events_ptr& list) {
      if (state.publisher)
        caf::anon_send(state.publisher, atom::tell_v, list);
    },
    [&state](atom::lead) -> caf::result<bool> {
      auto renewed = state.database->renew_lead();
      if (!renewed)
        return to_error(renewed.error());
      return true;
    },
    [&state](atom::servers) -> caf::result<server_rows_ptr> {
      auto rows = state.database->servers();
      if (!rows)
        return to_error(rows.error());
      return server_rows_ptr{
        std::make_shared<const std::vector<messages::server_row>>(std::move(*rows))};
    },
    [&state](atom::events, std::uint64_t seq) -> caf::result<event_page_ptr> {
      auto events = state.database->events_after(seq, page_events);
      if (!events)
        return to_error(events.error());
      // A commit whose answer was an error may have been made all the same.
      if (!events->empty())
        state.last_event = std::max(state.last_event, events->back().seq);
      return page_of(std::move(*events), state.last_event);
    },
  };
}

} // namespace deployminator::actors
