#pragma once

#include "actors/decisions/plan.hpp"
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

/// The moves by which `redistribute` evens the farm out: of what is deployed and runs well, in
/// groups that are at rest. Each new instance stands beside the old one for a while, so one for
/// which a machine has no memory before others have left it is not among them: it comes when it is
/// asked for again. Ordered by group; the farm's own order decides all else.
std::vector<farm_move> moves_to_even_out(const messages::farm& f, const placing_ground& on);

} // namespace deployminator::actors
