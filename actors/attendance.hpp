#pragma once

#include "actors/commits.hpp"

#include <functional>
#include <string>

/// How the DEPLOYMINATOR learns which machines are there.
namespace deployminator::actors {

/// A machine's agent has said hello to its MACHINE.
caf::result<briefing_ptr> take_join(deployminator_pointer self, const hello_ptr& h,
                                    const machine_actor& from);

/// Nothing is heard of a machine's agent any more.
void take_loss(deployminator_pointer self, const std::string& name, const std::string& reason,
               messages::timestamp heard);

/// `return_grace` is over: who is not back is lost, unless some still come.
void give_up_on_absent_machines(deployminator_pointer self);

/// Notes that the machine is silent, as it is stored, and looks at it again when something on it is
/// to be replaced.
void begin_silence(deployminator_pointer self, const std::string& name);

/// It may be silent for so long that something on it is replaced, or nothing is and that is told.
void look_at_silence(deployminator_pointer self, const std::string& name);

/// Its agent has told all that runs on it.
void machine_was_heard(deployminator_pointer self, const std::string& name);

/// Which machines of the farm are silent now.
silence silence_now(deployminator_pointer self, const messages::farm& f);

/// Calls `f` when it is known which machines are there.
void when_complete(deployminator_pointer self, std::function<void()> f);

} // namespace deployminator::actors
