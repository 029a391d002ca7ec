#pragma once

#include "actors/decisions/plan.hpp"
#include "messages/farm.hpp"

#include <cstdint>
#include <set>
#include <string>
#include <vector>

/// What a group's next version leaves as it is.
namespace deployminator::actors {

/// A version that a group goes to: its id, 0 for one that is not there yet, and its build.
struct version_ahead {
  std::uint64_t id = 0;
  std::uint64_t build = 0;
};

/// The ids of the instances of the group's deployed version that need not be replaced by ones of
/// `app` of the version `to`: of the same build, launched alike, proven, on a machine of its
/// machine groups that is not lost, and no more than are wanted.
std::set<std::string> kept_for(const messages::farm& f, const messages::group& g, version_ahead to,
                               const messages::application& app);

/// The instances of the group that the plan counts on: it was made on what was seen then.
std::set<std::string> kept_in(const plan& p, const messages::group& g);

/// Whether the deployed version is of this build and has just these applications, whatever their
/// ids, and the hashes that were pinned.
bool is_deployed_already(const messages::farm& f, const messages::group& g, std::uint64_t build,
                         const std::vector<messages::application>& applications);

} // namespace deployminator::actors
