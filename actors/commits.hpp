#pragma once

#include "actors/common/errors.hpp"
#include "actors/decisions/change_queue.hpp"
#include "actors/decisions/edit.hpp"
#include "actors/deployminator.hpp"

#include <chrono>
#include <utility>

/// How the DEPLOYMINATOR gets changes of the farm committed.
namespace deployminator::actors {

using deployminator_pointer = deployminator_actor::stateful_pointer<deployminator_state>;

/// How long the REGISTRAR may take for an answer.
inline constexpr std::chrono::seconds store_timeout{60};

/// Decides the work when its turn comes, and has what it decides committed.
void enqueue(deployminator_pointer self, work w);

/// After a failed commit the store alone knows what happened: goes on from what it has.
void reload(deployminator_pointer self);

/// While nothing could be stored: sees whether something can be again, also where nothing waits.
void try_store(deployminator_pointer self);

/// Tells watchers of a trouble of the server, or that it is over: that cannot be stored.
void tell_trouble(deployminator_pointer self, const messages::machine_trouble& t, bool is_over);

/// When and with what chance something is decided.
moment now(deployminator_pointer self);

/// Delivers to `answer` what `outcome` yields once the work is committed, or why it was not.
template <class T, class F>
auto answering(caf::typed_response_promise<T> answer, F outcome) {
  return [answer, outcome](const messages::result<std::uint64_t>& seq) mutable {
    messages::result<T> out = seq ? outcome(*seq) : messages::result<T>{seq.error()};
    if (out)
      answer.deliver(std::move(*out));
    else
      answer.deliver(to_error(out.error()));
  };
}

} // namespace deployminator::actors
