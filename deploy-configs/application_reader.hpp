#pragma once

#include "deploy-configs/mistake.hpp"
#include "deploy-configs/yaml_document.hpp"
#include "messages/application.hpp"

#include <cstdint>
#include <string>
#include <vector>

namespace deployminator::configs {

/// Reads one entry of `applications`, defaults filled in, and adds what is wrong to `mistakes` and
/// what a person should look at all the same to `remarks`. With mistakes the result is incomplete,
/// and its name empty where none can be told.
messages::application read_application(const yaml_node& node, std::vector<mistake>& mistakes,
                                       std::vector<mistake>& remarks);

/// The text with the build's number for each `${BUILDID}`.
std::string with_build(const std::string& text, std::uint64_t number);

/// What is said of an application that gives no `downloadurl`.
std::string without_download(const messages::application& app);

} // namespace deployminator::configs
