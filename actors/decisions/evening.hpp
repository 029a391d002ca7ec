#pragma once

#include "messages/farm.hpp"

#include <cstdint>
#include <string>
#include <vector>

/// Evening the whole farm out, when somebody asks for it.
namespace deployminator::actors {

/// An instance that is better elsewhere.
struct farm_move {
  std::uint64_t group_id = 0;
  std::string application;
  std::string instance;
  /// The machines.
  std::string from;
  std::string to;
  /// A sentence for people.
  std::string reason;

  bool operator==(const farm_move&) const = default;
};

/// The moves after which `redistribute` has nothing to even out: of what is deployed and runs well,
/// in groups that are at rest. Ordered by group; the farm's own order decides all else.
std::vector<farm_move> moves_to_even_out(const messages::farm& f);

} // namespace deployminator::actors
