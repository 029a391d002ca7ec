#pragma once

#include "deploy-configs/mistake.hpp"
#include "deploy-configs/yaml_document.hpp"
#include "messages/public_ports.hpp"

#include <vector>

namespace deployminator::configs {

/// Reads the value of `applications` in an agent's config file: which public ports of the machine
/// belong to which instances. No public port stands in two entries. What is wrong is added to the
/// mistakes; the entries then mean nothing.
std::vector<messages::public_port_entry> read_public_ports(const yaml_node& applications,
                                                           std::vector<mistake>& mistakes);

} // namespace deployminator::configs
