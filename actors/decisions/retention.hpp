#pragma once

#include "messages/change.hpp"
#include "messages/farm.hpp"

#include <cstddef>
#include <cstdint>
#include <vector>

namespace deployminator::actors {

/// How many versions of a group are kept where no setting says so.
constexpr std::size_t usual_kept_versions = 10;

/// The group's versions that are not kept: all but the `keep` that were deployed last, the `keep`
/// newest that never were, and those that something runs of, or will. The newest version of all
/// groups stays, so that no number is given twice.
std::vector<messages::gone_version> forgotten_versions(const messages::farm& f,
                                                       std::uint64_t group_id, std::size_t keep);

} // namespace deployminator::actors
