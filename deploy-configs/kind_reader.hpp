#pragma once

#include "deploy-configs/fields.hpp"
#include "messages/application.hpp"

/// What kind of program an application is. Called by `read_application`.
namespace deployminator::configs {

/// Whether a job is run again by a rollback. Needs `alwayson` read.
void read_rerun(fields& in, messages::application& app);

/// Whether the binary is a main class. `node`: the application. Needs `binary` read.
void read_java(fields& in, const yaml_node& node, messages::application& app);

} // namespace deployminator::configs
