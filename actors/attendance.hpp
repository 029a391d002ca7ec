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

/// Calls `f` when it is known which machines are there.
void when_complete(deployminator_pointer self, std::function<void()> f);

} // namespace deployminator::actors
