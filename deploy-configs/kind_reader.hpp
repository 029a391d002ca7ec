#pragma once

#include "deploy-configs/fields.hpp"
#include "messages/application.hpp"

/// What kind of program an application is. Called by `read_application`.
namespace deployminator::configs {

/// Whether a job is run again by a rollback. Needs `alwayson` read.
void read_rerun(fields& in, messages::application& app);

/// Whether the binary is a main class. `node`: the application. Needs `binary` read.
void read_java(fields& in, const yaml_node& node, messages::application& app);

/// Whether it is a program, or files. `node`: the application.
void read_deploy_type(fields& in, const yaml_node& node, messages::application& app);

/// Refuses what only a program can have, where the application is files. Needs all of it read.
void refuse_for_files(fields& in, const yaml_node& node, messages::application& app);

/// The same of the keys below `rollout`.
void refuse_rollout_for_files(fields& rollout, messages::application& app);

/// Whether machines start it first. Needs `alwayson` read.
void read_critical(fields& in, messages::application& app);

/// Refuses what the original suite knows and this does not; a value that asks for nothing is fine.
void refuse_unsupported(fields& in);

} // namespace deployminator::configs
