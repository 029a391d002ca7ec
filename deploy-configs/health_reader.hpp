#pragma once

#include "deploy-configs/fields.hpp"
#include "messages/application.hpp"

namespace deployminator::configs {

/// Reads `health`, once `alwayson` and `rollout` were read: those two it depends on.
void read_health(fields& in, messages::application& app);

} // namespace deployminator::configs
