#include "actors/common/terminator.hpp"

#include "actors/common/logging.hpp"

namespace deployminator::actors {

namespace {

using pointer = terminator_actor::stateful_pointer<terminator_state>;

void end_next(pointer self, std::chrono::milliseconds grace) {
  auto& state = self->state;
  if (state.remaining.empty()) {
    state.done.deliver(true);
    return;
  }
  auto victim = state.remaining.front();
  self->monitor(victim);
  self->send_exit(victim, caf::exit_reason::user_shutdown);
  self->delayed_send(self, grace, atom::tick_v, caf::actor_cast<caf::actor_addr>(victim));
}

} // namespace

terminator_actor::behavior_type
terminator(terminator_actor::stateful_pointer<terminator_state> self,
           std::chrono::milliseconds grace) {
  self->set_down_handler([self, grace](const caf::down_msg& down) {
    auto& remaining = self->state.remaining;
    if (remaining.empty() || down.source != remaining.front().address())
      return;
    remaining.erase(remaining.begin());
    end_next(self, grace);
  });
  return {
    [self, grace](atom::shut, std::vector<caf::actor>& actors) -> caf::result<bool> {
      auto promise = self->make_response_promise();
      self->state.done = promise;
      self->state.remaining = std::move(actors);
      end_next(self, grace);
      return promise;
    },
    [self](atom::tick, const caf::actor_addr& late) {
      auto& remaining = self->state.remaining;
      if (remaining.empty() || late != remaining.front().address())
        return;
      log::warning("terminator kills actor that did not end");
      self->send_exit(remaining.front(), caf::exit_reason::kill);
    },
  };
}

} // namespace deployminator::actors
