#pragma once

#include "deploy-configs/fields.hpp"
#include "messages/application.hpp"

namespace deployminator::configs {

/// Reads `limits`, and sets what is usual where it is not given. Called by `read_application`.
void read_limits(fields& in, messages::application& app);

} // namespace deployminator::configs
