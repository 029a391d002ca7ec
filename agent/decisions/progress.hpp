#pragma once

#include "agent/decisions/instance.hpp"
#include "messages/event.hpp"

#include <string>
#include <vector>

namespace deployminator::agent {

/// How a fetch gets on, for those who watch: one event for each group and version that waits for
/// it. `waiting` are the orders of those instances.
std::vector<messages::event> progress_events(const std::string& machine,
                                             const std::vector<spec_ptr>& waiting,
                                             const download_progress& progress,
                                             messages::timestamp now);

} // namespace deployminator::agent
