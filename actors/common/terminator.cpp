#include "actors/common/terminator.hpp"

#include "actors/common/errors.hpp"
#include "actors/common/logging.hpp"

#include <csignal>
#include <unistd.h>

namespace deployminator::common {

namespace {

using namespace std::chrono_literals;

/// SIGTERM promises an end; an actor that needs longer than its part is killed.
constexpr auto grace_of_each = 500ms;
constexpr auto grace_of_all = 3s;

using terminator_pointer = terminator_actor::stateful_pointer<terminator_state>;

void end_next(terminator_pointer self, std::chrono::milliseconds grace) {
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

void end_actors(caf::actor_system& system, std::vector<caf::actor> all) {
  auto ender = system.spawn(terminator, grace_of_each);
  caf::scoped_actor self{system};
  self->request(ender, grace_of_all, atom::shut_v, std::move(all))
    .receive([](bool) {},
             [](const caf::error& e) {
               log::warning("terminator gave up", {{"reason", to_failure(e).message}});
             });
  self->send_exit(ender, caf::exit_reason::user_shutdown);
}

void end_process(const messages::failure& why, std::atomic<bool>& failed) {
  log::error("process cannot go on", {{"reason", why.message}, {"hint", why.hint}});
  failed = true;
  kill(getpid(), SIGTERM);
}

void end_process_with(const caf::actor& actor, std::atomic<bool>& failed) {
  actor->attach_functor([&failed](const caf::error& reason) {
    if (reason && reason != caf::exit_reason::user_shutdown)
      end_process(to_failure(reason), failed);
  });
}

} // namespace deployminator::common
