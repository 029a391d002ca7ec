#pragma once

#include "messages/orders.hpp"

#include <cstdint>
#include <string>
#include <vector>

namespace deployminator::cli {

/// The newest build of an artifact that can be deployed.
struct stored_build {
  std::string artifact;
  std::string branch;
  std::uint64_t build = 0;
  /// The deploy.yaml, and the build.yaml, which may not be there.
  std::string deploy_file;
  std::string metadata_file;

  bool operator==(const stored_build&) const = default;
};

/// What a build repository's tree has: of each artifact the build of the highest number, of
/// whatever branch, that has a deploy.yaml; by the artifacts' names. Of the same number in two
/// branches the one whose file is younger. Throws `setback` where `DIR/artefacts` cannot be read.
std::vector<stored_build> newest_builds(const std::string& directory);

/// The order that deploys it, read from its files, without an id. Throws `setback` that names the
/// file and what is wrong with it.
messages::submit_build order_for(const stored_build& build);

} // namespace deployminator::cli
