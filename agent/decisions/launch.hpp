#pragma once

#include "agent/outside.hpp"

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace deployminator::agent {

/// Where programs of the machine are looked for, and the `PATH` of an instance.
inline constexpr std::string_view machine_path
  = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

/// Where an application's data lies, below the directory of all data of the machine:
/// `NAMESPACE/GROUP/APPLICATION/NAME`; empty: it has none.
std::string data_path_of(const messages::instance_spec& spec);

/// Where the files of an instance without a process are published; nothing for any other.
publication publication_of(const messages::instance_spec& spec, const std::string& sha256);

/// How an instance's program is started: arguments with their ports and the machine's name, and its
/// whole environment but `HOME` and `DATA`. What the application's `env` says wins over `PATH` and
/// `PORTn`, not over `DEPLOY_*`.
launch_order launch_order_for(const messages::instance_spec& spec, const std::string& machine,
                              const std::vector<std::uint16_t>& ports);

/// How the instance whose program is the process `pid` is checked.
health_order health_order_for(const messages::instance_spec& spec, const std::string& machine,
                              const std::vector<std::uint16_t>& ports, std::int64_t pid);

/// "signal 9 (SIGKILL)".
std::string signal_text(int signal);

/// How a program ended, for people: "exited with code 3", "killed by signal 9 (SIGKILL)".
std::string exit_text(int exit);

} // namespace deployminator::agent
