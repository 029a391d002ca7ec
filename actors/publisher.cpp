#include "actors/publisher.hpp"

#include "actors/common/logging.hpp"
#include "actors/registrar.hpp"
#include "messages/codec.hpp"

#include <algorithm>
#include <chrono>
#include <variant>

namespace deployminator::actors {

namespace {

using namespace std::chrono_literals;
using publisher_pointer = publisher_actor::stateful_pointer<publisher_state>;

/// How many events late watchers get without the store.
constexpr std::size_t kept = 10'000;

/// Progress that piles up beyond this while the store is slow is dropped: the next one tells more.
constexpr std::size_t most_waiting = 5'000;

constexpr auto announce_interval = 1s;

void send(publisher_pointer self, messages::message what) {
  auto& state = self->state;
  auto envelope = std::make_shared<const messages::envelope>(
    messages::envelope{0, state.epoch, std::move(what)});
  self->send(state.gateway, atom::dispatch_v, state.socket, std::string{}, envelope_ptr{envelope});
}

void send_events(publisher_pointer self, const std::vector<messages::event>& list) {
  messages::events batch;
  std::size_t bytes = 0;
  for (const auto& each : list) {
    bytes += messages::to_bytes(each).size();
    if (bytes > messages::page_bytes && !batch.list.empty()) {
      send(self, std::exchange(batch, {}));
      bytes = 0;
    }
    batch.list.push_back(each);
  }
  if (!batch.list.empty())
    send(self, std::move(batch));
}

void publish(publisher_pointer self, const std::vector<messages::event>& list) {
  auto& state = self->state;
  send_events(self, list);
  // Of a commit whose answer was an error, and that was made all the same, only the store knows.
  if (list.front().seq != state.last + 1)
    state.recent.clear();
  state.recent.insert(state.recent.end(), list.begin(), list.end());
  while (state.recent.size() > kept)
    state.recent.pop_front();
  state.last = list.back().seq;
}

/// Asks the store for what a commit whose answer was an error has made all the same, until it
/// answers.
void publish_missed(publisher_pointer self) {
  auto& state = self->state;
  if (!state.unsure || state.asking)
    return;
  state.asking = true;
  self->request(state.registrar, 30s, atom::events_v, state.last)
    .then(
      [self](const event_page_ptr& page) {
        auto& s = self->state;
        s.asking = false;
        std::vector<messages::event> missed;
        for (const auto& each : page->events)
          if (each.seq > s.last)
            missed.push_back(each);
        if (missed.empty())
          s.unsure = false;
        else
          publish(self, missed);
      },
      [self](const caf::error&) { self->state.asking = false; });
}

void store_waiting(publisher_pointer self) {
  auto& state = self->state;
  if (state.storing || state.waiting.empty())
    return;
  state.storing = true;
  messages::change c;
  c.events = std::exchange(state.waiting, {});
  auto change = std::make_shared<const messages::change>(std::move(c));
  auto next = [self] {
    self->state.storing = false;
    store_waiting(self);
  };
  self->request(state.registrar, 30s, atom::commit_v, change_ptr{change})
    .then([next](std::uint64_t) { next(); },
          [next](const caf::error& e) {
            log::warning("publisher lost progress", {{"reason", caf::to_string(e)}});
            next();
          });
}

/// What is not worth being kept is told as it is, without a number.
void collect(publisher_pointer self, const std::vector<messages::event>& list) {
  auto& state = self->state;
  std::vector<messages::event> passing;
  for (const auto& each : list) {
    const auto* progress = std::get_if<messages::download_progress>(&each.what);
    bool is_kept = progress == nullptr || state.progress.is_worth_keeping(each, *progress);
    if (!is_kept)
      passing.push_back(each);
    else if (state.waiting.size() < most_waiting)
      state.waiting.push_back(each);
  }
  send_events(self, passing);
  store_waiting(self);
}

event_page_ptr recent_after(const publisher_state& state, std::uint64_t seq) {
  auto first = std::find_if(state.recent.begin(), state.recent.end(),
                            [&](const messages::event& each) { return each.seq > seq; });
  return page_of({first, state.recent.end()}, state.last);
}

} // namespace

publisher_actor::behavior_type publisher(publisher_actor::stateful_pointer<publisher_state> self,
                                         publisher_config config) {
  auto& state = self->state;
  state.gateway = config.gateway;
  state.registrar = config.registrar;
  state.socket = config.socket;
  state.epoch = config.epoch;
  state.last = config.last_event;
  self->delayed_send(self, announce_interval, atom::tick_v);
  return {
    [self](atom::publish, const events_ptr& list) { publish(self, *list); },
    [self](atom::unsure) { self->state.unsure = true; },
    [self](atom::collect, const events_ptr& list) { collect(self, *list); },
    [self](atom::tell, const events_ptr& list) { send_events(self, *list); },
    [self](atom::events, std::uint64_t seq) -> caf::result<event_page_ptr> {
      auto& s = self->state;
      // An answer of the DEPLOYMINATOR may be ahead of the events on their way to here: the
      // REGISTRAR knows those.
      bool in_memory
        = seq == s.last || (seq < s.last && !s.recent.empty() && s.recent.front().seq <= seq + 1);
      if (in_memory)
        return recent_after(s, seq);
      return self->delegate(s.registrar, atom::events_v, seq);
    },
    [self](atom::tick) {
      self->delayed_send(self, announce_interval, atom::tick_v);
      publish_missed(self);
      send(self, messages::last_event{self->state.last});
    },
  };
}

} // namespace deployminator::actors
