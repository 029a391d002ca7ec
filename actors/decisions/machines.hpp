#pragma once

#include "messages/event.hpp"
#include "messages/farm.hpp"
#include "messages/result.hpp"

#include <string>

/// Finding machines and what is to become of them.
namespace deployminator::actors {

/// The machine, or a failure that says which there are.
messages::result<messages::machine> find_machine(const messages::farm& f, const std::string& name);

/// What the machine is while it is within reach: ready, draining or drained.
messages::machine_state state_within_reach(const messages::farm& f, const messages::machine& row);

} // namespace deployminator::actors
