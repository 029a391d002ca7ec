#pragma once

#include "agent/outside.hpp"
#include "agent/starter/protocol.hpp"

#include <cstdint>
#include <string>
#include <vector>

namespace deployminator::agent {

/// The runs of a starter's program whose start and end were told, by number; 0: none.
struct told_runs {
  std::uint32_t start = 0;
  std::uint32_t end = 0;
};

/// What the state of an instance's starter tells that was not told yet, in its order; `told` says
/// afterwards that it was. The words of `not_started` are left to the caller.
std::vector<process_event> news_of(const std::string& id, const starter::state& state,
                                   told_runs& told);

/// The instance as an agent finds it whose starter lives. Its grant is left to the caller.
found_instance found_alive(const std::string& id, const starter::state& state);

/// The runs that are told by that.
told_runs told_by(const starter::state& state);

/// The instance as an agent finds it whose starter is gone, with the last state it wrote.
found_instance found_dead(const std::string& id, const starter::state& state);

} // namespace deployminator::agent
