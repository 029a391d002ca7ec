#pragma once

#include "messages/wire.hpp"

#include <cstdint>
#include <string>

namespace deployminator::bench {

/// The order for a build of a group with one application. What it says of the artifact nobody
/// looks at.
messages::submit_build build_of(const std::string& group, std::uint64_t instances,
                                std::uint64_t build);

/// The order that removes the group.
messages::undeploy undeploy_of(const std::string& group);

} // namespace deployminator::bench
