#pragma once

#include "messages/failure.hpp"
#include "messages/farm.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

/// What a build's artifacts are: where they come from, and their hashes. That is known once a
/// version of the build was deployed; how its programs are started, and how many, may change.
namespace deployminator::actors {

/// Why these are no applications of the group's build: it was deployed with another artifact.
std::optional<messages::failure>
other_content(const messages::farm& f, const messages::group& g, std::uint64_t build,
              const std::vector<messages::application>& applications);

/// The hash that this artifact had when the build was deployed; empty: nothing is known.
std::string known_hash(const messages::farm& f, const messages::group& g, std::uint64_t build,
                       const messages::application& app);

} // namespace deployminator::actors
