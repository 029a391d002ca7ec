#pragma once

#include "agent/outside.hpp"
#include "messages/result.hpp"

#include <string>
#include <vector>

namespace deployminator::agent {

/// Where the program lies that deploy.yaml names as `interpreter`: a name is looked for in the
/// directories of `machine_path`, in their order; an absolute path is taken as it is. Where it is
/// not on this machine, one sentence says where it was looked for and what to do.
messages::result<std::string> find_machine_program(const std::string& name);

/// The machine's host name, `${HOSTNAME}`.
std::string host_name();

/// The arguments that have Java run this main class with every `*.jar` below the directory, in the
/// order of their names.
messages::result<std::vector<std::string>> java_arguments(const std::string& directory,
                                                          const std::string& main_class);

/// The order with the machine's host name, and the directory of the data, where they are asked for.
launch_order filled(launch_order order, const std::string& data);

} // namespace deployminator::agent
