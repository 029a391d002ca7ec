#pragma once

#include "agent/outside.hpp"

#include <cstdint>
#include <string>
#include <vector>

namespace deployminator::agent {

/// How an instance's program is started: arguments with their ports, and its whole environment but
/// `HOME`. What the application's `env` says wins over `PATH` and `PORTn`, not over `DEPLOY_*`.
launch_order launch_order_for(const messages::instance_spec& spec, const std::string& machine,
                              const std::vector<std::uint16_t>& ports);

/// "signal 9 (SIGKILL)".
std::string signal_text(int signal);

/// How a program ended, for people: "exited with code 3", "killed by signal 9 (SIGKILL)".
std::string exit_text(int exit);

} // namespace deployminator::agent
