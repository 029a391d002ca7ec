#pragma once

#include "deploy-configs/mistake.hpp"
#include "messages/application.hpp"

#include <cstdint>
#include <string>
#include <variant>
#include <vector>

namespace deployminator::configs {

/// A group as a deploy.yaml describes it.
struct group_definition {
  std::string namespace_;
  std::string name;
  /// Defaults filled in; `download_url` still holds `${BUILDID}`.
  std::vector<messages::application> applications;
};

/// A deploy.yaml without mistakes.
struct deploy_file {
  std::vector<group_definition> groups;
  /// What works, but probably not as the file means it.
  std::vector<mistake> remarks;
  /// What is refused when it is deployed, unless something is added: an application without
  /// `downloadurl`.
  std::vector<mistake> undeployable;
};

/// Reads a deploy.yaml; finds every mistake, not just the first. Never throws.
std::variant<deploy_file, std::vector<mistake>> read_deploy_file(const std::string& text);

/// What the one call of a build repository says of a build.
struct build {
  std::uint64_t number = 0;
  std::string repository;
  std::string artifact_id;
  /// For applications that give none.
  std::string sha256;
};

/// The file's groups for one build: `${BUILDID}` replaced, and repository, artifact id and sha256
/// filled in where an application gives none. Or what is missing to deploy it.
std::variant<std::vector<group_definition>, std::vector<mistake>> for_build(const deploy_file& file,
                                                                            const build& b);

} // namespace deployminator::configs
