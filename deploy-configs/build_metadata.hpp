#pragma once

#include "deploy-configs/mistake.hpp"

#include <string>
#include <variant>
#include <vector>

namespace deployminator::configs {

/// What a build repository's `build.yaml` says of a build; it has more keys than are read here.
struct build_metadata {
  /// `repositoryid`, a number above 0.
  std::string repository;
};

/// Reads the text of a `build.yaml`, or tells what is wrong with it.
std::variant<build_metadata, std::vector<mistake>> read_build_metadata(const std::string& text);

} // namespace deployminator::configs
